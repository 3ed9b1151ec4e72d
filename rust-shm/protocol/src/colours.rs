//! What the numbers of a picture mean as colours, in the codes of ITU-T H.273; the table in PROTOCOL.md.

/// The colours of every picture of a ring. All of it may be "not said", which is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Colours {
    /// `MatrixCoefficients`: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020; `None` = not said.
    pub matrix: Option<u8>,
    /// `ColourPrimaries`: 1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020; `None` = not said.
    pub primaries: Option<u8>,
    /// `TransferCharacteristics`: 1 = BT.709, 6 = BT.601, 13 = sRGB; `None` = not said.
    pub transfer: Option<u8>,
    /// Which values black and white have; `None` = not said.
    pub range: Option<ColourRange>,
    /// Where the chroma samples lie; `None` = not said.
    pub chroma_siting: Option<ChromaSiting>,
}

/// `VideoFullRangeFlag` of H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColourRange {
    /// Luma from 16 to 235, chroma from 16 to 240: flag 0.
    Limited,
    /// From 0 to 255: flag 1.
    Full,
}

/// `Chroma420SampleLocType` of H.273: where a chroma sample lies among its four luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChromaSiting {
    /// Type 0: between the two left ones.
    Left,
    /// Type 1: in the middle of the four.
    Center,
    /// Type 2: on the upper left one.
    TopLeft,
    /// Type 3: between the two upper ones.
    Top,
    /// Type 4: on the lower left one.
    BottomLeft,
    /// Type 5: between the two lower ones.
    Bottom,
}

impl ColourRange {
    /// The name in every language: `limited` or `full`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Full => "full",
        }
    }
}

impl ChromaSiting {
    /// The name in every language: `left`, `center`, `top-left`, `top`, `bottom-left` or `bottom`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Center => "center",
            Self::TopLeft => "top-left",
            Self::Top => "top",
            Self::BottomLeft => "bottom-left",
            Self::Bottom => "bottom",
        }
    }
}

/// H.273's own "unspecified", which a ring stores as not said.
const UNSPECIFIED: u8 = 2;

const RANGES: [ColourRange; 2] = [ColourRange::Limited, ColourRange::Full];
const SITINGS: [ChromaSiting; 6] = [
    ChromaSiting::Left,
    ChromaSiting::Center,
    ChromaSiting::TopLeft,
    ChromaSiting::Top,
    ChromaSiting::BottomLeft,
    ChromaSiting::Bottom,
];

impl Colours {
    /// The word of the ring header. Codes 0 (which NV12 cannot have) and 2 (unspecified) are stored as not said.
    pub(crate) fn to_word(self) -> u64 {
        let code = |code: Option<u8>| code.filter(|&code| code != UNSPECIFIED).unwrap_or(0);
        u64::from_le_bytes([
            code(self.matrix),
            code(self.primaries),
            code(self.transfer),
            self.range.map_or(0, |range| place_of(&RANGES, range)),
            self.chroma_siting.map_or(0, |siting| place_of(&SITINGS, siting)),
            0,
            0,
            0,
        ])
    }

    /// What a word of a ring header says. A value without meaning is not said.
    pub(crate) fn from_word(word: u64) -> Self {
        let [matrix, primaries, transfer, range, siting, ..] = word.to_le_bytes();
        let code = |code: u8| Some(code).filter(|&code| code != 0 && code != UNSPECIFIED);
        Self {
            matrix: code(matrix),
            primaries: code(primaries),
            transfer: code(transfer),
            range: at_place(&RANGES, range),
            chroma_siting: at_place(&SITINGS, siting),
        }
    }
}

/// The number that stands for a value: its place in the list, from 1; 0 is not said.
fn place_of<T: PartialEq>(all: &[T], value: T) -> u8 {
    (1..)
        .zip(all)
        .find(|(_, one)| **one == value)
        .map_or(0, |(place, _)| place)
}

fn at_place<T: Copy>(all: &[T], place: u8) -> Option<T> {
    all.get(usize::from(place.checked_sub(1)?)).copied()
}
