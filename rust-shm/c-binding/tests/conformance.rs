//! The conformance data of the protocol, asked through the functions that a program in C calls.

#[path = "../../protocol/tests/conformance_data/mod.rs"]
mod conformance_data;
mod stage;

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use conformance_data::{FOLDER, Run, number, patches, rows};
use serde_json::{Value, json};
use stage::camera::Camera;
use stage::{Folder, HERE, slow_reader};
use vas_frame_protocol::layout;
use vas_frame_segment::clock::monotonic_ns;
use vas_frames::*;

const FILES: [(&str, Run); 10] = [
    ("ring/walks", walks),
    ("ring/outcomes", outcomes),
    ("ring/layouts", layouts),
    ("ring/colours", colours),
    ("ring/geometries", geometries),
    ("ring/constants", constants),
    ("ring/slow-readers", slow_readers),
    ("camera/health", health),
    ("camera/camera-ids", camera_ids),
    ("camera/error-codes", error_codes),
];

/// How many times fewer intervals of slow readers are run than the data says: each is some real calls here.
const SLOW_READERS_SHARE: u64 = 10;

/// The error codes that only C has; its README names them.
const OWN_CODES: [&str; 1] = ["DAMAGED"];

/// The statuses that are no errors.
const ORDINARY: [&str; 5] = ["OK", "TIMED_OUT", "INTERRUPTED", "OVERWRITTEN", "NOTHING_NEWER"];

#[test]
fn p2_18_every_file_of_the_conformance_data_holds_in_c() {
    let folder = Path::new(FOLDER);
    let mut files = BTreeSet::new();
    collect_files(folder, &mut files);
    let mut named = BTreeSet::from([folder.join("README.md")]);
    for (name, run) in FILES {
        let path = folder.join(format!("{name}.json"));
        run(&serde_json::from_slice(&fs::read(&path).unwrap()).unwrap());
        named.insert(path);
    }
    assert_eq!(files, named, "a file is not run");
}

fn collect_files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_files(&path, found);
        } else {
            found.insert(path);
        }
    }
}

/// A golden ring in a folder of its own.
struct Ring {
    folder: Folder,
    meta: File,
}

impl Ring {
    fn new(golden: &str) -> Self {
        let folder = Folder::new(Path::new("/dev/shm"));
        for kind in ["meta", "data"] {
            let bytes = fs::read(format!("{HERE}/../protocol/golden/{golden}.{kind}")).unwrap();
            fs::write(folder.0.join(format!("frame.{kind}")), bytes).unwrap();
        }
        let path = folder.0.join("frame.meta");
        let meta = File::options().read(true).write(true).open(path).unwrap();
        Self { folder, meta }
    }

    fn of(row: &Value) -> Self {
        Self::new(row["ring"].as_str().unwrap())
    }

    fn replace(&self, offset: usize, bytes: &[u8]) {
        self.meta.write_all_at(bytes, offset as u64).unwrap();
    }

    /// Writes the patches of a row.
    fn patch(&self, row: &Value) {
        for (offset, bytes) in patches(row) {
            self.replace(offset, &bytes);
        }
    }

    fn open(&self) -> Camera {
        Camera::open(&self.folder.0)
    }

    /// Takes the lock by which readers tell a living writer from a dead one, for as long as the ring is here.
    fn lock(&self) {
        let mut lock = libc::flock {
            l_type: libc::F_WRLCK as i16,
            l_whence: libc::SEEK_SET as i16,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        // SAFETY: the file is open, and `lock` is the type that this command reads.
        let result = unsafe { libc::fcntl(self.meta.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) };
        assert_eq!(result, 0);
    }
}

/// Takes frames in order until `seen` was taken. Whether it could be.
fn has_taken(camera: &Camera, seen: u64, into: &mut [u8]) -> bool {
    let mut last = 0;
    while last < seen {
        let (status, frame) = camera.copy_next(0, into);
        if status != VasStatus::Ok || frame.id > seen {
            return false;
        }
        last = frame.id;
    }
    true
}

/// How a read ended, as the data has it.
fn outcome(camera: &Camera, (status, id, missed): (VasStatus, u64, u64)) -> Value {
    let told = match status {
        VasStatus::Ok => return json!({ "outcome": "frame", "frame_id": id, "missed": missed }),
        VasStatus::Overwritten => "overwritten",
        VasStatus::Damaged => "damaged",
        status => {
            assert!(
                matches!(status, VasStatus::TimedOut | VasStatus::NothingNewer),
                "{status:?}"
            );
            match camera.health().health {
                health if health == VasHealth::Ended as i32 => "ended",
                health if health == VasHealth::Replaced as i32 => "replaced",
                health if health == VasHealth::Damaged as i32 => "damaged",
                _ => "nothing-newer",
            }
        }
    };
    json!({ "outcome": told })
}

/// The functions that can be asked one read.
fn calls(read: &Value) -> &'static [&'static str] {
    match read["call"].as_str().unwrap() {
        "newest" => &["copy_newest", "look_newest"],
        "next" => &["copy_next"],
        call => {
            assert_eq!(call, "at");
            &["copy_at", "look_at"]
        }
    }
}

fn ask(camera: &Camera, call: &str, read: &Value, into: &mut [u8]) -> Value {
    let of_copy = |(status, frame): (VasStatus, VasFrame)| (status, frame.id, frame.missed);
    let mut looked = (0, 0);
    let look = |picture: &VasPicture| looked = (picture.frame.id, picture.frame.missed);
    let told = match call {
        "copy_newest" => of_copy(camera.copy_newest(0, into)),
        "copy_next" => of_copy(camera.copy_next(0, into)),
        "copy_at" => of_copy(camera.copy_at(number(&read["id"]), into)),
        "look_newest" => {
            let status = camera.look(0, look);
            (status, looked.0, looked.1)
        }
        _ => {
            let status = camera.look_at(number(&read["id"]), look);
            (status, looked.0, looked.1)
        }
    };
    outcome(camera, told)
}

/// Makes the reads of a row, on a camera that took the row's `seen` frame last. A frame that is not in the ring cannot
/// have been taken: such reads are left out. Returns how often a function was asked.
fn assert_reads(row: &Value, is_patched_late: bool) -> usize {
    let mut asked = 0;
    for read in row["reads"].as_array().unwrap() {
        for call in calls(read) {
            let ring = Ring::of(row);
            if !is_patched_late {
                ring.patch(row);
            }
            let camera = ring.open();
            let mut into = vec![0; camera.geometry().frame_bytes];
            let seen = read["seen"].as_u64().unwrap_or(0);
            if !has_taken(&camera, seen, &mut into) {
                assert_ne!(camera.copy_at(seen, &mut into).0, VasStatus::Ok, "{read}");
                continue;
            }
            if is_patched_late {
                ring.patch(row);
            }
            let told = ask(&camera, call, read, &mut into);
            for (field, value) in told.as_object().unwrap() {
                assert_eq!(value, &read[field], "{}: {call}, {read}", row["name"]);
            }
            asked += 1;
        }
    }
    asked
}

fn walks(file: &Value) {
    for row in rows(file) {
        assert!(assert_reads(row, false) > 0, "{}", row["name"]);
    }
}

fn outcomes(file: &Value) {
    for row in rows(file) {
        assert!(assert_reads(row, true) > 0, "{}", row["name"]);
    }
}

fn layouts(file: &Value) {
    for row in rows(file) {
        let ring = Ring::of(row);
        ring.patch(row);
        let refusal = Camera::try_open(&ring.folder.0).err();
        let expected = (row["is_readable"] == false).then_some(VasStatus::IncompatibleLayout);
        assert_eq!(refusal, expected, "{}", row["name"]);
    }
}

/// The rows. What a writer stores (`written`) is not asked: C does not write.
fn colours(file: &Value) {
    for row in rows(file) {
        let ring = Ring::new("wrapped");
        let bytes: Vec<_> = row["bytes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|byte| number(byte) as u8)
            .collect();
        ring.replace(layout::header::COLOURS, &bytes);
        let code = |field: &str| row[field].as_u64().unwrap_or(0) as u8;
        let place = |field: &str, names: &[&str]| {
            let place = names.iter().position(|name| row[field] == *name);
            assert_eq!(place.is_none(), row[field].is_null(), "{row}");
            place.map_or(0, |place| place as u8 + 1)
        };
        let expected = [
            code("matrix"),
            code("primaries"),
            code("transfer"),
            place("range", &["limited", "full"]),
            place(
                "chroma_siting",
                &["left", "center", "top-left", "top", "bottom-left", "bottom"],
            ),
        ];
        assert_eq!(ring.open().colours(), expected, "{row}");
    }
}

/// Each size in the header of a ring that has room for it. One that no picture has is a ring that cannot be read.
fn geometries(file: &Value) {
    for row in rows(file) {
        let [width, height, stride] = ["width", "height", "stride"].map(|field| number(&row[field]));
        let slot = (stride * height * 2).max(1).next_multiple_of(layout::PAGE as u64);
        let data = slot * u64::from(layout::MIN_SLOTS);
        let ring = Ring::new("empty");
        let data_file = File::options().write(true).open(ring.folder.0.join("frame.data"));
        data_file.unwrap().set_len(data).unwrap();
        for (offset, value) in [
            (layout::header::SLOT_STRIDE, slot),
            (layout::header::DATA_SIZE, data),
            (layout::header::WIDTH_AND_HEIGHT, height << 32 | width),
            (
                layout::header::FORMAT_AND_STRIDE,
                stride << 32 | u64::from(layout::NV12),
            ),
        ] {
            ring.replace(offset, &value.to_le_bytes());
        }
        match Camera::try_open(&ring.folder.0) {
            Ok(camera) => {
                let said = camera.geometry();
                assert_eq!(row["picture_bytes"], said.frame_bytes, "{row}");
                let sides = [said.width, said.height, said.stride].map(u64::from);
                assert_eq!(sides, [width, height, stride], "{row}");
            }
            Err(status) => {
                assert_eq!(status, VasStatus::IncompatibleLayout, "{row}");
                assert!(row["picture_bytes"].is_null(), "{row}");
            }
        }
    }
}

/// Where the records of the slots are, as a reader finds them, and what is in them; `health` asks when a frame is old.
fn constants(file: &Value) {
    let [version, size, slots, offset, stride] = [
        "layout_version",
        "record_size",
        "smallest_slot_count",
        "slot_records_offset",
        "slot_record_stride",
    ]
    .map(|name| number(&file[name]));
    let ring = Ring::new("wrapped");
    for slot in 0..slots {
        let record = (offset + slot * stride) as usize;
        let mut said = [0; 8];
        ring.meta.read_exact_at(&mut said, record as u64).unwrap();
        assert_eq!(u64::from_le_bytes(said), size << 32 | version);
        ring.replace(record + layout::record::TIMESTAMP_NS, &(slot + 1).to_le_bytes());
    }
    let camera = ring.open();
    let mut into = vec![0; camera.geometry().frame_bytes];
    let stamps: BTreeSet<_> = (0..slots)
        .map(|_| camera.copy_next(0, &mut into).1.timestamp_ns)
        .collect();
    assert_eq!(stamps, (1..=slots).collect());
    assert_eq!(file["old_after_ns"], layout::OLD_AFTER_NS);
}

/// A copy is no look: also what works on it for longer than any look may gets what there is time for.
fn slow_readers(file: &Value) {
    let run = number(&file["run_intervals"]) / SLOW_READERS_SHARE * slow_reader::INTERVAL;
    let looks_in_one_call = number(&file["looks_in_one_call"]);
    let step = number(&file["look_steps"]);
    for slot_count in file["slot_counts"].as_array().unwrap() {
        let slot_count = number(slot_count);
        let longest = (slot_count - 2) * slow_reader::INTERVAL;
        let too_long = (slot_count + 1) * slow_reader::INTERVAL;
        for call in file["calls"].as_array().unwrap() {
            let calls: &[_] = match call.as_str().unwrap() {
                "newest" => &["look_newest", "copy_newest"],
                call => {
                    assert_eq!(call, "next");
                    &["copy_next"]
                }
            };
            for call in calls {
                for work in (1..=longest / step).map(|i| i * step).chain([too_long]) {
                    let told = slow_reader::read(slot_count as u32, work, run, call);
                    let what = format!("{slot_count} slots, {call}, {work}: {told:?}");
                    assert!(told.looks_in_one_call <= looks_in_one_call, "{what}");
                    assert_eq!(told.delivered + told.missed, told.newest, "{what}");
                    if *call == "look_newest" && work == too_long {
                        assert_eq!((told.delivered, told.looks_in_one_call), (0, looks_in_one_call));
                        continue;
                    }
                    let there_is_time_for = run as f64 / work.max(slow_reader::INTERVAL) as f64;
                    let share = file["share"].as_f64().unwrap();
                    assert!(told.delivered as f64 >= there_is_time_for * share, "{what}");
                }
            }
        }
    }
}

/// The ages of the data stand at one moment; here time goes on, so they keep off the limit.
fn age_in_files(age: u64) -> u64 {
    if age > layout::OLD_AFTER_NS {
        age.max(2 * layout::OLD_AFTER_NS)
    } else {
        age.min(layout::OLD_AFTER_NS / 4)
    }
}

fn health(file: &Value) {
    for row in rows(file) {
        let frame_age = row["frame_age_ns"].as_u64().map(age_in_files);
        let heartbeat_age = age_in_files(number(&row["heartbeat_age_ns"]));
        let ring = Ring::new(if frame_age.is_some() {
            "two-frames"
        } else {
            "empty"
        });
        ring.replace(
            layout::header::STATE,
            &(number(&row["state"]) as u32).to_le_bytes(),
        );
        if row["lock_is_held"] == true {
            ring.lock();
        }
        let camera = ring.open();
        let now = monotonic_ns();
        let before = |age: u64| now.saturating_sub(age).to_le_bytes();
        ring.replace(layout::header::HEARTBEAT_NS, &before(heartbeat_age));
        if let Some(age) = frame_age {
            let slots = (0..layout::MIN_SLOTS as usize)
                .map(|slot| layout::SLOT_RECORDS + slot * layout::RECORD_STRIDE);
            for record in slots.chain([layout::header::CURRENT_RECORD]) {
                ring.replace(record + layout::record::TIMESTAMP_NS, &before(age));
            }
        }
        let report = camera.health();
        let expected = match row["health"].as_str().unwrap() {
            "live" => VasHealth::Live,
            "idle" => VasHealth::Idle,
            "hung" => VasHealth::Hung,
            "dead" => VasHealth::Dead,
            "ended" => VasHealth::Ended,
            "replaced" => VasHealth::Replaced,
            health => {
                assert_eq!(health, "damaged");
                VasHealth::Damaged
            }
        };
        assert_eq!(report.health, expected as i32, "{row}");
        assert_eq!(report.has_frame == 1, frame_age.is_some(), "{row}");
        assert!(report.heartbeat_age_ns >= heartbeat_age.min(now), "{row}");
        assert!(report.frame_age_ns >= frame_age.unwrap_or(0).min(now), "{row}");
    }
}

fn camera_ids(file: &Value) {
    let base = Folder::new(Path::new("/dev/shm"));
    let base_dir = CString::new(base.0.as_os_str().as_bytes()).unwrap();
    for row in rows(file) {
        let id = row["id"].as_str().unwrap();
        let is_valid = row["is_valid"] == true;
        let Ok(id) = CString::new(id) else {
            // A text of C ends at its first NUL: nobody can ask for this id.
            assert!(!is_valid, "{row}");
            continue;
        };
        let mut camera = null_mut();
        // SAFETY: two texts, no options, and a place for a pointer.
        let status = unsafe { vas_frames_open(base_dir.as_ptr(), id.as_ptr(), null(), &raw mut camera) };
        let expected = if is_valid {
            VasStatus::SourceNotFound
        } else {
            VasStatus::BadCameraId
        };
        assert_eq!(status, expected, "{row}");
    }
}

fn error_codes(file: &Value) {
    let known: BTreeSet<_> = rows(file)
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    let codes_of = |statuses: Range<i32>| -> BTreeSet<&str> {
        // SAFETY: a text that ends with a NUL and is never freed.
        let text = |status| unsafe { CStr::from_ptr(vas_frames_status_code(status)) };
        let codes = statuses.map(|status| text(status).to_str().unwrap());
        codes.filter(|code| *code != "UNKNOWN").collect()
    };
    let ordinary = codes_of(i32::from(i8::MIN)..100);
    assert_eq!(ordinary, ORDINARY.into());
    assert!(ordinary.is_disjoint(&known));
    let errors = codes_of(100..1000);
    let own: BTreeSet<_> = errors.difference(&known).copied().collect();
    assert_eq!(own, OWN_CODES.into());
    for row in rows(file).iter().filter(|row| row["reader"] == true) {
        let code = row["code"].as_str().unwrap();
        assert!(errors.contains(code), "{code} has no status");
    }
    let readme = fs::read_to_string(format!("{HERE}/README.md")).unwrap();
    for code in own.union(&ordinary) {
        assert!(readme.contains(&format!("`{code}`")), "{code} is not documented");
    }
}
