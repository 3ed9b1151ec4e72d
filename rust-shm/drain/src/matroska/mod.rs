//! Finds the pictures in a live Matroska stream as FFmpeg writes it (RFC 9559): one video track of uncompressed
//! frames, in clusters with a time stamp.
//!
//! The parser is shown a few bytes at a time and never a picture's own. It keeps a fixed number of values, allocates
//! nothing and gives an answer for any bytes. Whatever it does not know is searched for the next frame's head, whose
//! some twenty bytes must all agree: with each other, with the track and with the size of a picture. So it goes on
//! after damage with the next whole frame, and takes nothing else for one.
//!
//! The stream says before a picture how long it is, and nothing behind it. So a frame that is cut short in the middle,
//! with something else behind it, shows by what follows: where that is no head, the checksum of the cluster decides,
//! and for a stream without checksums whether a head stands in what was taken for the picture. Only bytes that are
//! there already are asked for, and none is waited for. FFmpeg does not cut frames short, not even when it is killed.

mod element;
mod overrun;

pub(crate) use overrun::{Overrun, judge};

use element::{Element, Parsed, Size, big_endian, element, variable_length};

/// As many bytes as the parser may have to see at once: a whole EBML header, a frame's head, or a value.
pub(crate) const WINDOW_BYTES: usize = 256;
/// The head of a frame is no longer than this: what is read when one is expected.
pub(crate) const HEAD_BYTES: usize = 64;

const EBML: u32 = 0x1a45_dfa3;
const DOC_TYPE: u32 = 0x4282;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const CODEC_ID: u32 = 0x86;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const UNCOMPRESSED_FOUR_CC: u32 = 0x2e_b524;
const COLOUR: u32 = 0x55b0;
const MATRIX_COEFFICIENTS: u32 = 0x55b1;
const RANGE: u32 = 0x55b9;
const TRANSFER_CHARACTERISTICS: u32 = 0x55ba;
const PRIMARIES: u32 = 0x55bb;
const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const POSITION: u32 = 0xa7;
const PREV_SIZE: u32 = 0xab;
const SIMPLE_BLOCK: u32 = 0xa3;
const VOID: u32 = 0xec;
const CRC_32: u32 = 0xbf;
const TAGS: u32 = 0x1254_c367;
const CUES: u32 = 0x1c53_bb6b;

/// Elements without interest are this long at most, and the headers of a stream all together.
const HEADER_LIMIT: u64 = 64 << 10;
/// Values of interest are no longer than this.
const VALUE_BYTES: usize = 16;
/// The longest picture of another format that is believed: 16384 by 16384 pixels of 16 bytes.
const PICTURE_LIMIT: u64 = 1 << 32;
const DEFAULT_TIMESTAMP_SCALE_NS: u64 = 1_000_000;
const LACING: u8 = 0x06;

/// The meaning of the bytes at the beginning of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// These bytes do not tell: show more, up to [`WINDOW_BYTES`].
    Incomplete,
    /// So many bytes, at least one, of no further interest.
    Pass(usize),
    /// A head of so many bytes, and behind it a picture as it is wanted.
    Picture {
        head_bytes: usize,
        /// Presentation time on the media clock of the run of FFmpeg.
        timestamp_ns: Option<u64>,
    },
    /// A head, and behind it a picture that is not what is wanted.
    Foreign {
        head_bytes: usize,
        picture_bytes: u64,
        mismatch: Mismatch,
    },
}

/// Why pictures of a framed stream are not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The stream says another width or height than the export has.
    WrongSize,
    /// The stream says another pixel format than NV12.
    WrongFormat,
}

/// The colours that a stream says, in the code points of ITU-T H.273; `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colours {
    /// MatrixCoefficients.
    pub matrix: Option<u8>,
    /// TransferCharacteristics.
    pub transfer: Option<u8>,
    /// ColourPrimaries.
    pub primaries: Option<u8>,
    /// Whether luma has its full range.
    pub is_full_range: Option<bool>,
}

/// The one track of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Track {
    number: u64,
    width: u64,
    height: u64,
    is_uncompressed: bool,
    is_nv12: bool,
    colours: Colours,
}

impl Track {
    fn is_complete(&self) -> bool {
        self.number > 0 && self.width > 0 && self.height > 0
    }

    fn mismatch(&self, wanted: (u32, u32)) -> Option<Mismatch> {
        if !(self.is_uncompressed && self.is_nv12) {
            return Some(Mismatch::WrongFormat);
        }
        let is_wanted = (self.width, self.height) == (u64::from(wanted.0), u64::from(wanted.1));
        (!is_wanted).then_some(Mismatch::WrongSize)
    }

    /// The size of a picture of this track, where its format tells.
    fn picture_bytes(&self) -> Option<u64> {
        let luma = self.width.checked_mul(self.height)?;
        let chroma = self.width.div_ceil(2).checked_mul(self.height.div_ceil(2))?;
        let bytes = luma.checked_add(chroma.checked_mul(2)?)?;
        self.is_nv12.then_some(bytes)
    }
}

/// Where in the stream the window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind an EBML header, where elements follow each other until the first cluster. Holds how many bytes of them
    /// were seen.
    Header(u64),
    /// Behind a picture: another block of the same cluster, or something new.
    Cluster(Cluster),
    /// Inside of something that has so many bytes more, or somewhere unknown.
    Passing(u64),
    Lost,
}

/// The cluster of the picture that was found last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cluster {
    timestamp: u64,
    /// Bytes of the cluster that are still to come; `u64::MAX` where its size is not known.
    left: u64,
}

impl Cluster {
    fn without(self, bytes: u64) -> Self {
        let left = if self.left == u64::MAX {
            u64::MAX
        } else {
            self.left.saturating_sub(bytes)
        };
        Self { left, ..self }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Parser {
    wanted: (u32, u32),
    picture_bytes: u64,
    place: Place,
    /// Where to go on when nothing is left to be passed.
    behind: u64,
    timestamp_scale_ns: u64,
    track: Option<Track>,
    /// What the headers that are being read say so far, and after how many bytes they are complete.
    building: Track,
    building_ends: u64,
    checksum: Option<Checksum>,
    damages: u64,
}

/// The checksum of the cluster of the picture that was found last, if nothing else is in it.
#[derive(Clone, Copy, Debug)]
struct Checksum {
    wanted: u32,
    /// The checksum so far, over what stands before the picture.
    of_head: u32,
}

impl Parser {
    /// A parser for pictures of this width and height, of so many bytes each.
    pub(crate) fn new(width: u32, height: u32, picture_bytes: usize) -> Self {
        Self {
            wanted: (width, height),
            picture_bytes: picture_bytes as u64,
            place: Place::Lost,
            behind: 0,
            timestamp_scale_ns: DEFAULT_TIMESTAMP_SCALE_NS,
            track: None,
            building: Track::default(),
            building_ends: 0,
            checksum: None,
            damages: 0,
        }
    }

    /// Whether these bytes begin a framed stream; `None` if they are too few to tell.
    pub(crate) fn is_framed(bytes: &[u8]) -> Option<bool> {
        match ebml_header(bytes) {
            Parsed::Value((), _) => Some(true),
            Parsed::Incomplete => None,
            Parsed::Invalid => Some(false),
        }
    }

    /// The colours that the track says; none before there is a track.
    pub(crate) fn colours(&self) -> Colours {
        self.track.unwrap_or_default().colours
    }

    /// How often, since this was asked last, something stood where nothing of the kind may stand.
    pub(crate) fn take_damages(&mut self) -> u64 {
        std::mem::take(&mut self.damages)
    }

    /// Whether what comes next is no frame's head, as far as is known.
    pub(crate) fn is_searching(&self) -> bool {
        !matches!(self.place, Place::Cluster(_))
    }

    /// Says what the window begins with. An answer other than `Incomplete` means that the bytes it names are behind
    /// the parser, and so is the picture whose head was found: it is shown what follows next.
    pub(crate) fn next(&mut self, window: &[u8]) -> Found {
        if window.is_empty() {
            return Found::Incomplete;
        }
        match ebml_header(window) {
            Parsed::Value((), head) => {
                self.building = Track::default();
                return self.go_on_behind(window, head as u64, head as u64);
            }
            Parsed::Incomplete if window.len() < WINDOW_BYTES => return Found::Incomplete,
            _ => {}
        }
        if is_begun(CLUSTER, window) {
            match self.cluster_head(window) {
                Parsed::Value(found, _) => return found,
                Parsed::Incomplete if window.len() < WINDOW_BYTES => return Found::Incomplete,
                _ => {}
            }
        }
        match self.place {
            Place::Header(seen) => self.header_element(window, seen),
            Place::Cluster(cluster) => self.behind_picture(window, cluster),
            Place::Passing(left) => self.pass(window, left),
            Place::Lost => Found::Pass(to_next_start(window)),
        }
    }

    /// Whether these bytes, as far as they go, may stand behind the picture that was found last.
    pub(crate) fn may_follow(&self, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        // Other elements may stand here, and some of them are little more than one byte that many a picture has.
        // FFmpeg writes none: they do not speak for the picture.
        let is_block = bytes.first().is_some_and(|&byte| u32::from(byte) == SIMPLE_BLOCK);
        if !(is_block || is_begun(CLUSTER, bytes) || is_begun(EBML, bytes)) {
            return false;
        }
        let mut ahead = self.clone();
        let mut rest = bytes;
        while let Found::Pass(count) = ahead.next(rest) {
            if ahead.damages > self.damages {
                return false;
            }
            rest = rest.get(count..).unwrap_or_default();
        }
        true
    }

    /// Whether the picture that was found last is what was sent; `None` if the stream has no checksum of it. A pass
    /// over the picture.
    fn is_as_sent(&self, picture: &[u8]) -> Option<bool> {
        let Checksum { wanted, of_head } = self.checksum?;
        let mut checksum = crc32fast::Hasher::new_with_initial(of_head);
        checksum.update(picture);
        Some(checksum.finalize() == wanted)
    }

    fn is_lost(&self) -> bool {
        self.place == Place::Lost
    }

    /// Takes what comes next for anything at all.
    fn lose_track(&mut self) {
        self.damages += 1;
        self.place = Place::Lost;
    }

    fn damaged(&mut self, window: &[u8]) -> Found {
        if self.place != Place::Lost {
            self.lose_track();
        }
        Found::Pass(to_next_start(window))
    }

    /// Passes `bytes` bytes and then goes on with the headers, of which `seen` bytes were seen by then. The length is
    /// not trusted: if it was said too large, a beginning is found among the bytes that are passed.
    fn go_on_behind(&mut self, window: &[u8], bytes: u64, seen: u64) -> Found {
        self.behind = seen;
        self.pass(window, bytes)
    }

    /// Passes what is of no interest, and looks out for a beginning all the same.
    fn pass(&mut self, window: &[u8], left: u64) -> Found {
        let len = to_next_start(window).min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - len as u64;
        self.place = if left > 0 {
            Place::Passing(left)
        } else {
            Place::Header(self.behind)
        };
        Found::Pass(len)
    }

    /// An element of the stream's headers. Those that contain others are entered, and never left explicitly: what
    /// follows is known by its id.
    fn header_element(&mut self, window: &[u8], seen: u64) -> Found {
        let (found, head) = match element(window) {
            Parsed::Value(found, head) => (found, head),
            Parsed::Incomplete if window.len() < WINDOW_BYTES => return Found::Incomplete,
            _ => return self.damaged(window),
        };
        if matches!(found.id, SEGMENT | INFO | TRACKS | TRACK_ENTRY | VIDEO | COLOUR) {
            // The first video track counts.
            if found.id == TRACK_ENTRY && !self.building.is_complete() {
                let Some(len) = found.len(HEADER_LIMIT) else {
                    return self.damaged(window);
                };
                self.building = Track::default();
                self.building_ends = seen + (head + len) as u64;
            }
            return self.go_on_behind(window, head as u64, seen + head as u64);
        }
        if found.id == CLUSTER {
            // Its first block is no good; the headers before it were.
            self.track = self.current_track();
        }
        let is_header = found.id != CLUSTER && found.id != SIMPLE_BLOCK;
        let Some(len) = found.len(HEADER_LIMIT.saturating_sub(seen)).filter(|_| is_header) else {
            return self.damaged(window);
        };
        if len <= VALUE_BYTES {
            match window.get(head..head + len) {
                Some(value) => self.note(found.id, value),
                None => return Found::Incomplete,
            }
        }
        self.go_on_behind(window, (head + len) as u64, seen + (head + len) as u64)
    }

    /// Keeps a value of the headers that is of interest.
    fn note(&mut self, id: u32, value: &[u8]) {
        let number = big_endian(value);
        let code = u8::try_from(number).ok();
        match id {
            TIMESTAMP_SCALE if number > 0 => self.timestamp_scale_ns = number,
            TRACK_NUMBER => self.building.number = number,
            CODEC_ID => self.building.is_uncompressed = value == b"V_UNCOMPRESSED",
            PIXEL_WIDTH => self.building.width = number,
            PIXEL_HEIGHT => self.building.height = number,
            UNCOMPRESSED_FOUR_CC => self.building.is_nv12 = value == b"NV12",
            MATRIX_COEFFICIENTS => self.building.colours.matrix = code,
            TRANSFER_CHARACTERISTICS => self.building.colours.transfer = code,
            PRIMARIES => self.building.colours.primaries = code,
            RANGE if number == 1 || number == 2 => self.building.colours.is_full_range = Some(number == 2),
            _ => {}
        }
    }

    /// The track that the last headers describe, if they were read whole; otherwise that of earlier ones.
    fn current_track(&self) -> Option<Track> {
        let is_whole = matches!(self.place, Place::Header(seen) if seen >= self.building_ends);
        (is_whole && self.building.is_complete())
            .then_some(self.building)
            .or(self.track)
    }

    /// What may stand behind a picture: another block, or an element between clusters.
    fn behind_picture(&mut self, window: &[u8], cluster: Cluster) -> Found {
        let (found, head) = match element(window) {
            Parsed::Value(found, head) => (found, head),
            Parsed::Incomplete if window.len() < WINDOW_BYTES => return Found::Incomplete,
            _ => return self.damaged(window),
        };
        match found.id {
            SIMPLE_BLOCK => {
                let cluster = cluster.without(head as u64);
                match self.block(window.get(head..).unwrap_or_default(), found, head, cluster) {
                    Parsed::Value(found, _) => found,
                    Parsed::Incomplete if window.len() < WINDOW_BYTES => Found::Incomplete,
                    _ => self.damaged(window),
                }
            }
            VOID | TAGS | CUES => match found.len(HEADER_LIMIT) {
                Some(len) => self.go_on_behind(window, (head + len) as u64, 0),
                None => self.damaged(window),
            },
            _ => self.damaged(window),
        }
    }

    /// The head of a cluster up to its first picture.
    fn cluster_head(&mut self, window: &[u8]) -> Parsed<Found> {
        let (cluster, mut offset) = match element(window) {
            Parsed::Value(found, head) => (found, head),
            Parsed::Incomplete => return Parsed::Incomplete,
            Parsed::Invalid => return Parsed::Invalid,
        };
        let content = offset;
        let (mut timestamp, mut checksum) = (None, None);
        while offset < HEAD_BYTES {
            let (found, head) = match element(window.get(offset..).unwrap_or_default()) {
                Parsed::Value(found, head) => (found, head),
                Parsed::Incomplete => return Parsed::Incomplete,
                Parsed::Invalid => return Parsed::Invalid,
            };
            offset += head;
            if found.id == SIMPLE_BLOCK {
                let Some(timestamp) = timestamp else {
                    return Parsed::Invalid;
                };
                let left = match cluster.size {
                    Size::Known(size) => size,
                    Size::Unknown => u64::MAX,
                };
                let cluster = Cluster { timestamp, left }.without((offset - content) as u64);
                let found = self.block(window.get(offset..).unwrap_or_default(), found, offset, cluster);
                if let (Parsed::Value(_, head_bytes), Some((wanted, from))) = (found, checksum) {
                    let head = window.get(from..head_bytes).unwrap_or_default();
                    let is_alone = matches!(self.place, Place::Cluster(Cluster { left: 0, .. }));
                    self.checksum = is_alone.then(|| Checksum {
                        wanted,
                        of_head: crc32fast::hash(head),
                    });
                }
                return found;
            }
            let is_known = matches!(found.id, TIMESTAMP | POSITION | PREV_SIZE | CRC_32 | VOID);
            let Some(len) = found.len(8).filter(|_| is_known) else {
                return Parsed::Invalid;
            };
            let Some(value) = window.get(offset..offset + len) else {
                return Parsed::Incomplete;
            };
            offset += len;
            match (found.id, value) {
                (TIMESTAMP, _) => timestamp = Some(big_endian(value)),
                (CRC_32, &[a, b, c, d]) => checksum = Some((u32::from_le_bytes([a, b, c, d]), offset)),
                _ => {}
            }
        }
        Parsed::Invalid
    }

    /// A block whose content begins with `bytes`, behind `head` bytes that belong to it.
    fn block(&mut self, bytes: &[u8], block: Element, head: usize, cluster: Cluster) -> Parsed<Found> {
        let Some(track) = self.current_track() else {
            return Parsed::Invalid;
        };
        let (number, number_len) = match variable_length(bytes) {
            Parsed::Value((number, _), len) => (number, len),
            Parsed::Incomplete => return Parsed::Incomplete,
            Parsed::Invalid => return Parsed::Invalid,
        };
        let Some(&[high, low, flags]) = bytes.get(number_len..number_len + 3) else {
            return Parsed::Incomplete;
        };
        let Size::Known(len) = block.size else {
            return Parsed::Invalid;
        };
        if len > cluster.left {
            return Parsed::Invalid;
        }
        let Some(picture_bytes) = len.checked_sub(number_len as u64 + 3) else {
            return Parsed::Invalid;
        };
        let is_of_track = track
            .picture_bytes()
            .map_or(picture_bytes <= PICTURE_LIMIT, |of_track| {
                of_track == picture_bytes
            });
        if number != track.number || flags & LACING != 0 || picture_bytes == 0 || !is_of_track {
            return Parsed::Invalid;
        }
        let head_bytes = head + number_len + 3;
        let found = match track.mismatch(self.wanted) {
            None if picture_bytes == self.picture_bytes => Found::Picture {
                head_bytes,
                timestamp_ns: cluster
                    .timestamp
                    .checked_add_signed(i16::from_be_bytes([high, low]).into())
                    .and_then(|ticks| ticks.checked_mul(self.timestamp_scale_ns)),
            },
            mismatch => Found::Foreign {
                head_bytes,
                picture_bytes,
                mismatch: mismatch.unwrap_or(Mismatch::WrongSize),
            },
        };
        self.track = Some(track);
        self.building = Track::default();
        self.checksum = None;
        self.place = Place::Cluster(cluster.without(len));
        Parsed::Value(found, head_bytes)
    }
}

/// A whole EBML header of a Matroska stream; the length is that of the element's own head.
fn ebml_header(bytes: &[u8]) -> Parsed<()> {
    if !is_begun(EBML, bytes) {
        return Parsed::Invalid;
    }
    let (header, head) = match element(bytes) {
        Parsed::Value(found, head) => (found, head),
        Parsed::Incomplete => return Parsed::Incomplete,
        Parsed::Invalid => return Parsed::Invalid,
    };
    let own = head;
    let Some(end) = header.len(HEAD_BYTES as u64).map(|len| head + len) else {
        return Parsed::Invalid;
    };
    let mut offset = head;
    let mut is_matroska = false;
    while offset < end {
        let (found, head) = match element(bytes.get(offset..).unwrap_or_default()) {
            Parsed::Value(found, head) => (found, head),
            Parsed::Incomplete => return Parsed::Incomplete,
            Parsed::Invalid => return Parsed::Invalid,
        };
        let Some(len) = found.len(HEAD_BYTES as u64) else {
            return Parsed::Invalid;
        };
        let Some(value) = bytes.get(offset + head..offset + head + len) else {
            return Parsed::Incomplete;
        };
        is_matroska |= found.id == DOC_TYPE && value == b"matroska";
        offset += head + len;
    }
    if offset == end && is_matroska {
        Parsed::Value((), own)
    } else {
        Parsed::Invalid
    }
}

/// Whether the bytes, as far as they go, are those of this id, of four bytes.
fn is_begun(id: u32, bytes: &[u8]) -> bool {
    let id = id.to_be_bytes();
    let len = bytes.len().min(id.len());
    bytes.get(..len) == id.get(..len)
}

/// How many bytes to pass, at least one, until a stream or a cluster may begin.
fn to_next_start(window: &[u8]) -> usize {
    let is_start = |&byte: &u8| byte == EBML.to_be_bytes()[0] || byte == CLUSTER.to_be_bytes()[0];
    let rest = window.get(1..).unwrap_or_default();
    1 + rest.iter().position(is_start).unwrap_or(rest.len())
}
