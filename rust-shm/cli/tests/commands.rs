//! O1: every command, run as a process of its own, against systems that are well and systems that are not.

mod system;

use std::ffi::CString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::mount::mount_bind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use serde_json::Value;
use system::stage::{self, ControlGroup, Stage, next_generation, options, play, publish, role, wait_until};
use system::{Camera, die, health, json, play_writer, text, vas_frames};
use vas_frame_drain::{Export, ExportOptions};
use vas_frame_protocol::{FrameStamp, beat, checksum};
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::writer::{FileMode, Segment};
use vas_frame_segment::{FrameSource, control_groups};

#[test]
fn o1_health_is_one_word_and_an_exit_code() {
    const TEST: &str = "o1_health_is_one_word_and_an_exit_code";
    if let Some(part) = role() {
        play_writer(&part);
    }
    let stage = Stage::new();
    let base = stage.base();
    let camera = Camera::open(&base, "entrance");
    assert_eq!(health(&base, "entrance"), (1, "idle".into()));
    assert_eq!(
        vas_frames(&base, &["health", "entrance", "--idle-is-well"])
            .status
            .code(),
        Some(0)
    );

    let mut camera = camera;
    publish(&mut camera.writer, 1);
    assert_eq!(health(&base, "entrance"), (0, "live".into()));
    camera.beat_was(10);
    assert_eq!(health(&base, "entrance"), (1, "hung".into()));
    drop(camera);
    assert_eq!(health(&base, "entrance"), (3, "absent".into()));

    die(TEST, &base);
    wait_until("the heartbeat is old", || {
        health(&base, "crashed") == (1, "dead".into())
    });

    let broken = base.join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("frame.meta"), [7; 4096]).unwrap();
    fs::write(broken.join("frame.data"), [7; 4096]).unwrap();
    assert_eq!(health(&base, "broken"), (5, "incompatible".into()));

    let refused = vas_frames(&base, &["health", "../etc"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("BAD_CAMERA_ID"));
}

#[test]
fn o1_list_tells_cameras_from_leftovers_from_what_is_not_ours() {
    const TEST: &str = "o1_list_tells_cameras_from_leftovers_from_what_is_not_ours";
    if let Some(part) = role() {
        play_writer(&part);
    }
    let stage = Stage::new();
    let base = stage.base();
    assert_eq!(json(&base, &["list"])["cameras"].as_array().unwrap().len(), 0);

    let camera = Camera::with_frames(&base, "entrance", 3);
    die(TEST, &base);
    fs::create_dir(base.join(".gone.new")).unwrap();
    fs::write(base.join("notes.txt"), "not a camera").unwrap();
    wait_until("the heartbeat is old", || health(&base, "crashed").1 == "dead");
    beat(camera.segment.memory(), monotonic_ns());

    let seen = json(&base, &["list"]);
    let cameras = seen["cameras"].as_array().unwrap();
    let entrance = cameras
        .iter()
        .find(|camera| camera["camera"] == "entrance")
        .unwrap();
    assert_eq!(entrance["width"], 64);
    assert_eq!(entrance["newest_frame_id"], 3);
    assert_eq!(entrance["frames_written"], 3);
    assert!(entrance["frames_per_second"].as_f64().unwrap() > 1.0);
    let leftovers = seen["leftovers"].as_array().unwrap();
    let kinds: Vec<_> = leftovers
        .iter()
        .map(|leftover| (&leftover["name"], &leftover["kind"]))
        .collect();
    assert!(
        kinds.contains(&(&"crashed".into(), &"dead ring".into())),
        "{kinds:?}"
    );
    assert!(kinds.contains(&(&".gone.new".into(), &"half-built ring".into())));
    assert!(kinds.contains(&(&".crashed.lock".into(), &"lock file".into())));
    assert!(
        !kinds
            .iter()
            .any(|(name, _)| name.as_str() == Some(".entrance.lock"))
    );
    assert_eq!(seen["foreign"][0], "notes.txt");

    let table = text(&vas_frames(&base, &["list"]));
    let row = table.lines().find(|line| line.starts_with("entrance")).unwrap();
    for cell in ["64x48", &std::process::id().to_string()] {
        assert!(row.contains(cell), "{table}");
    }
    assert!(!table.contains('\u{1b}'), "a pipe gets no colours");
    let on_a_terminal = Command::new("script")
        .args([
            "-qec",
            &format!(
                "{} --base-dir {} list",
                env!("CARGO_BIN_EXE_vas-frames"),
                base.display()
            ),
        ])
        .arg("/dev/null")
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&on_a_terminal.stdout).contains("\u{1b}["),
        "a terminal gets colours"
    );
}

#[test]
fn o1_inspect_shows_every_field_and_what_is_wrong() {
    let stage = Stage::new();
    let base = stage.base();
    let camera = Camera::with_frames(&base, "entrance", 4);
    let seen = json(&base, &["inspect", "entrance"]);
    let value = |name: &str| {
        let fields = seen["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(seen["problems"].as_array().unwrap().len(), 0, "{seen}");
    assert_eq!(value("magic"), "VASFRAME");
    assert_eq!(value("frames_written"), "4");
    assert!(
        value("current record")
            .as_str()
            .unwrap()
            .starts_with("frame 4; sequence 8")
    );
    assert!(
        value("slot 1 record")
            .as_str()
            .unwrap()
            .starts_with("frame 4; sequence 8")
    );

    // The frame id of slot 1: by the host's own user, which nothing can prevent.
    let meta = fs::OpenOptions::new()
        .write(true)
        .open(camera.segment.path().join("frame.meta"))
        .unwrap();
    meta.write_at(&99u64.to_le_bytes(), 512 + 128 + 8).unwrap();
    let output = vas_frames(&base, &["inspect", "entrance"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("wrong: slot 1: frame_id 99 contradicts the sequence"));
    assert_eq!(vas_frames(&base, &["inspect", "nobody"]).status.code(), Some(3));
}

#[test]
fn o1_record_saves_the_pictures_bit_by_bit_as_ffmpeg_reads_them() {
    let stage = Stage::new();
    let base = stage.base();
    let mut camera = Camera::open(&base, "entrance");
    let (y4m, nv12) = (stage.path.join("out.y4m"), stage.path.join("out.nv12"));
    let start = |format: &str, file: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vas-frames"));
        command.arg("--base-dir").arg(&base);
        command
            .args([
                "record", "entrance", "--frames", "2", "--format", format, "--output",
            ])
            .arg(file);
        command.spawn().unwrap()
    };
    let mut picture: Vec<u8> = (0..=250).cycle().take(64 * 48 * 3 / 2).collect();
    let processes = [start("y4m", &y4m), start("nv12", &nv12)];
    wait_until("both have opened their files", || y4m.exists() && nv12.exists());
    sleep(Duration::from_millis(50));
    for _ in 0..2 {
        picture[0] += 1;
        camera.writer.push(&picture, &FrameStamp::default()).unwrap();
        sleep(Duration::from_millis(100));
    }
    for mut process in processes {
        assert_eq!(process.wait().unwrap().code(), Some(0));
    }
    // What FFmpeg reads out of the stream is every picture, bit by bit.
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(&y4m);
    let decoded = ffmpeg
        .args(["-pix_fmt", "nv12", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    let saved = fs::read(nv12).unwrap();
    assert_eq!(decoded.stdout, saved);
    assert_eq!(saved[picture.len()..], picture);
    let saved = fs::read(y4m).unwrap();
    let header = b"YUV4MPEG2 W64 H48 F25:1 Ip C420mpeg2\n";
    assert_eq!(&saved[..header.len()], header);
    let second = &saved[header.len() + 2 * 6 + picture.len()..];
    let luma = 64 * 48;
    assert_eq!(second[..luma], picture[..luma]);
    let cb: Vec<u8> = picture[luma..].iter().step_by(2).copied().collect();
    let cr: Vec<u8> = picture[luma + 1..].iter().step_by(2).copied().collect();
    assert_eq!(second[luma..], [cb, cr].concat());

    let nothing = ["record", "entrance", "--timeout", "0.1", "--output", "/dev/null"];
    let output = vas_frames(&base, &nothing);
    assert_eq!(output.status.code(), Some(1), "no frame comes");
    assert!(String::from_utf8_lossy(&output.stderr).contains("TIMEOUT"));
}

/// What FFmpeg makes of an NV12 picture, each chroma sample used for its four luma samples.
fn rgb_of_ffmpeg(picture: &Path, (matrix, range): (&str, &str)) -> Vec<u8> {
    let scale = format!(
        "scale=in_color_matrix={matrix}:in_range={range}:flags=neighbor+full_chroma_int+accurate_rnd,format=rgb24"
    );
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-v", "error", "-f", "rawvideo", "-pix_fmt", "nv12", "-s", "64x48", "-i",
    ]);
    let output = ffmpeg
        .arg(picture)
        .args(["-vf", &scale, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn o1_snapshot_has_the_colours_of_ffmpegs_picture_of_the_same_frame() {
    let stage = Stage::new();
    let base = stage.base();
    let mut camera = Camera::open(&base, "entrance");
    let picture: Vec<u8> = (16..=235).cycle().step_by(7).take(64 * 48 * 3 / 2).collect();
    camera.writer.push(&picture, &FrameStamp::default()).unwrap();
    let raw = stage.path.join("picture.nv12");
    fs::write(&raw, &picture).unwrap();

    let file = stage.path.join("picture.png");
    let snapshot = ["snapshot", "entrance", "--output", file.to_str().unwrap()];
    let refused = vas_frames(&base, &snapshot);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "the ring does not say what its colours mean"
    );
    assert!(String::from_utf8_lossy(&refused.stderr).contains("UNKNOWN_COLOURS"));
    for (matrix, of_ffmpeg) in [("bt709", "bt709"), ("bt601", "smpte170m")] {
        for range in ["limited", "full"] {
            let said = ["--matrix", matrix, "--range", range];
            assert_eq!(text(&vas_frames(&base, &[&snapshot[..], &said].concat())), "");
            let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(&file).unwrap()))
                .read_info()
                .unwrap();
            let mut rgb = vec![0; 64 * 48 * 3];
            decoder.next_frame(&mut rgb).unwrap();
            let differences = rgb
                .iter()
                .zip(rgb_of_ffmpeg(&raw, (of_ffmpeg, range)))
                .map(|(ours, theirs)| ours.abs_diff(theirs));
            assert!(differences.max().unwrap() <= 1, "{matrix}, {range}");
        }
    }
}

#[test]
fn o1_verify_finds_a_picture_that_is_not_what_was_written() {
    let stage = Stage::new();
    let base = stage.base();
    let mut camera = Camera::open(&base, "entrance");
    let picture = vec![5; 64 * 48 * 3 / 2];
    let stamp = FrameStamp {
        checksum: Some(checksum(&picture)),
        ..FrameStamp::default()
    };
    camera.writer.push(&picture, &stamp).unwrap();
    let verify = ["verify", "entrance", "--seconds", "0.2"];
    let output = vas_frames(&base, &verify);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).starts_with("1 frames: 1 checksums right, 0 wrong"));

    let data = fs::OpenOptions::new()
        .write(true)
        .open(camera.segment.path().join("frame.data"))
        .unwrap();
    let slot = 4096 * (64 * 48 * 3 / 2_u64).div_ceil(4096);
    data.write_at(&[6], slot + 100).unwrap();
    let output = vas_frames(&base, &verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("wrong: frame 1: the picture does not have its checksum"));
}

#[test]
fn o1_readers_finds_who_keeps_a_ring_that_is_gone() {
    let stage = Stage::new();
    let base = stage.base();
    let camera = Camera::with_frames(&base, "entrance", 1);
    let stale = FrameSource::open(&base, &stage::camera("entrance")).unwrap();
    let next = Segment::create(&camera.lock, &next_generation(&options(), 2)).unwrap();
    drop(camera.writer);
    drop(camera.segment);

    let seen = json(&base, &["readers", "entrance"]);
    let own: Vec<_> = seen["processes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["pid"] == std::process::id())
        .collect();
    let role = |role: &str| {
        own.iter()
            .find(|one| one["role"] == role)
            .unwrap_or_else(|| panic!("no {role}: {own:?}"))
    };
    assert_eq!(role("writer")["is_gone"], false);
    assert_eq!(role("reader")["is_gone"], true);
    assert!(role("reader")["bytes"].as_u64().unwrap() >= 3 * 64 * 48 * 3 / 2);
    assert!(text(&vas_frames(&base, &["readers"])).contains("entrance: at least"));
    drop((stale, next));
}

#[test]
fn o1_metrics_is_open_metrics_text_and_replaces_a_file_in_one_step() {
    let stage = Stage::new();
    let base = stage.base();
    let _camera = Camera::with_frames(&base, "entrance", 3);
    let metrics = text(&vas_frames(&base, &["metrics"]));
    assert!(metrics.ends_with("# EOF\n"));
    let sample = |name: &str| {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name}: {metrics}"));
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert!((sample("vas_frames_frames_written_total{camera=\"entrance\"}") - 3.0).abs() < 1e-9);
    assert!((sample("vas_frames_health{camera=\"entrance\",vas_frames_health=\"live\"}") - 1.0).abs() < 1e-9);
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let family = line.split(['{', ' ']).next().unwrap().trim_end_matches("_total");
        assert!(
            metrics.contains(&format!("# TYPE {family} ")),
            "{line} has no type"
        );
    }
    let file = stage.path.join("vas.prom");
    fs::write(&file, "old").unwrap();
    assert_eq!(
        vas_frames(&base, &["metrics", "--output", file.to_str().unwrap()])
            .status
            .code(),
        Some(0)
    );
    assert!(fs::read_to_string(&file).unwrap().ends_with("# EOF\n"));
    assert_eq!(
        stage::names(&stage.path),
        ["base", "vas.prom"],
        "nothing half-written is left"
    );
}

#[test]
fn o1_clean_removes_only_what_is_dead_and_only_when_told_to() {
    const TEST: &str = "o1_clean_removes_only_what_is_dead_and_only_when_told_to";
    if let Some(part) = role() {
        play_writer(&part);
    }
    let stage = Stage::new();
    let base = stage.base();
    let mut camera = Camera::open(&base, "entrance");
    publish(&mut camera.writer, 1);
    die(TEST, &base);
    wait_until("the heartbeat is old", || health(&base, "crashed").1 == "dead");
    beat(camera.segment.memory(), monotonic_ns());

    let before = stage::names(&base);
    let output = vas_frames(&base, &["clean"]);
    assert_eq!(output.status.code(), Some(1), "something is there");
    assert!(text(&output).contains("add --really"));
    assert_eq!(stage::names(&base), before);

    let output = vas_frames(&base, &["clean", "--really"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(stage::names(&base), [".entrance.lock", "entrance"]);
    assert_eq!(vas_frames(&base, &["clean"]).status.code(), Some(0));
}

/// A host with few descriptors: opens twenty cameras, and all that it may once it is told to go on.
fn play_host(base: &Path) {
    let limit = Rlimit {
        current: Some(300),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let open = |number: usize| {
        let mut export = Export::open(ExportOptions {
            base_dir: base.to_owned(),
            camera: stage::camera(&format!("camera-{number}")),
            shape: stage::shape(64, 48, 3),
            file_mode: FileMode::default(),
            has_checksums: false,
            rings_bell: false,
        })
        .ok()?;
        // In FFmpeg's place: it has the only copy of its end of the pipe.
        let write_end = export.attach().unwrap().try_clone().unwrap();
        let ffmpeg = Command::new("sleep")
            .arg("100")
            .stdout(Stdio::from(write_end))
            .spawn()
            .unwrap();
        export.release();
        Some((export, ffmpeg))
    };
    let opened: Vec<_> = (0..20).map_while(open).collect();
    let here = |name: &str| base.with_file_name(name);
    fs::write(here("opened"), opened.len().to_string()).unwrap();
    wait_until("told to go on", || here("go-on").exists());
    let more: Vec<_> = (20..).map_while(open).collect();
    fs::write(here("more.new"), more.len().to_string()).unwrap();
    fs::rename(here("more.new"), here("more")).unwrap();
    for (_, mut ffmpeg) in opened.into_iter().chain(more) {
        ffmpeg.kill().unwrap();
        ffmpeg.wait().unwrap();
    }
}

#[test]
fn o1_plan_says_how_many_more_cameras_the_descriptors_of_a_running_host_allow() {
    const TEST: &str = "o1_plan_says_how_many_more_cameras_the_descriptors_of_a_running_host_allow";
    if let Some((_, base)) = role() {
        return play_host(&base);
    }
    let stage = Stage::new();
    let base = stage.base();
    let here = |name: &str| base.with_file_name(name);
    let host = stage::play(TEST, "host", &base);
    wait_until("cameras are open", || here("opened").exists());
    let planned = json(&base, &["plan", "--cameras", "1", "--size", "64x48"]);
    assert_eq!(planned["host"]["cameras"], 20);
    let needs = planned["needs"].as_array().unwrap();
    let fit = needs.iter().find(|need| need["what"] == "descriptors").unwrap()["cameras_that_fit"].clone();
    fs::write(here("go-on"), "").unwrap();
    wait_until("no more can be opened", || here("more").exists());
    let more: u64 = fs::read_to_string(here("more")).unwrap().parse().unwrap();
    assert_eq!(fit, more);
    assert!(host.wait().success());
}

#[test]
fn o1_plan_grows_with_the_cameras_and_says_where_the_bound_is() {
    let stage = Stage::new();
    let plan = |cameras: &str| json(&stage.path, &["plan", "--cameras", cameras, "--size", "1280x720"]);
    let need = |planned: &Value, what: &str| {
        let needs = planned["needs"].as_array().unwrap();
        needs.iter().find(|need| need["what"] == what).unwrap()["in_all"]
            .as_f64()
            .unwrap()
    };
    let (one, many) = (plan("1"), plan("50"));
    let ring = f64::from(4 * (1280 * 720 * 3 / 2_u32).next_multiple_of(4096) + 4096);
    assert!((need(&one, "shared memory") - ring).abs() < 1.0);
    assert!((need(&many, "shared memory") - 50.0 * ring).abs() < 1.0);
    assert!(many["container_flags"].as_str().unwrap().contains("--shm-size="));
    // 1,350 KiB, 25 times a second: the drain with 5 us and 0.145 us per KiB, FFmpeg's write with 1.25 times that, and
    // one reader that copies.
    let of_drain = 25e-6 * (5.0 + 0.145 * 1350.0);
    let of_reader = 25e-6 * 0.05 * 1350.0;
    assert!((need(&one, "processors") - (2.25 * of_drain + of_reader)).abs() < 1e-9);
    let mut narrow = Command::new("sh");
    narrow.args([
        "-c",
        "ulimit -n 96; exec \"$0\" --json --base-dir \"$1\" plan --cameras 30 --size 64x48",
    ]);
    let output = narrow
        .arg(env!("CARGO_BIN_EXE_vas-frames"))
        .arg(&stage.path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(planned["bound"], "descriptors");
    assert_eq!(planned["host"], Value::Null);

    let output = vas_frames(&stage.path, &["plan", "--cameras", "100000"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("NOT ENOUGH"));
    assert_eq!(
        vas_frames(&stage.path, &["plan", "--cameras", "1", "--size", "big"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        vas_frames(&stage.path, &["plan", "--cameras", "1", "--size", "641x480"])
            .status
            .code(),
        Some(2)
    );
}

/// What `plan` says comes first, and how many cameras that allows.
fn bound(tool: &mut Command, base: &Path) -> (String, u64) {
    let plan = ["plan", "--cameras", "1", "--size", "1280x720"];
    let output = tool
        .args(["--json", "--base-dir"])
        .arg(base)
        .args(plan)
        .output()
        .unwrap();
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    (
        planned["bound"].as_str().unwrap().to_owned(),
        planned["cameras_that_fit"].as_u64().unwrap(),
    )
}

/// Puts a file with another number in the place of one of the kernel's. Only in a namespace of our own.
fn say_instead(of_the_kernel: &str, folder: &Path, number: u64) {
    let file = folder.join(Path::new(of_the_kernel).file_name().unwrap());
    fs::write(&file, number.to_string()).unwrap();
    mount_bind(&file, of_the_kernel).unwrap();
}

/// In a namespace of our own, each limit is made lower than the one before.
fn play_limits(base: &Path) {
    const RING: u64 = 4 * (1280 * 720 * 3 / 2) + 4096;
    // A user who runs nothing else.
    const SOMEBODY: u32 = 64_983;
    let folder = base.parent().unwrap();
    let bound_here = || bound(&mut Command::new(env!("CARGO_BIN_EXE_vas-frames")), base);

    let size = format!("size={}", 7 * RING + RING / 2);
    stage::mount_tmpfs(base, &CString::new(size).unwrap());
    assert_eq!(bound_here(), ("shared memory".into(), 7));

    // 2,000 of them are the host's own.
    say_instead("/proc/sys/vm/max_map_count", folder, 2_000 + 6 * 4 + 3);
    assert_eq!(bound_here(), ("mappings".into(), 6));

    // The threads of an ordinary user, of which one is the tool itself and 32 are the host's own. Where this process is
    // root of a user namespace only, nobody else is in it.
    let is_of_the_machine = fs::read_to_string("/proc/self/uid_map")
        .unwrap()
        .contains("4294967295");
    if is_of_the_machine {
        let folder = Path::new("/mnt");
        stage::mount_tmpfs(folder, c"mode=755");
        fs::copy(env!("CARGO_BIN_EXE_vas-frames"), folder.join("vas-frames")).unwrap();
        let mut tool = Command::new("prlimit");
        tool.args(["--nproc=38", "/mnt/vas-frames"])
            .uid(SOMEBODY)
            .gid(SOMEBODY);
        assert_eq!(bound(&mut tool, &folder.join("none")), ("threads".into(), 5));
    }

    // What is in the group already has been started.
    let (_, group) = control_groups("pids")
        .into_iter()
        .next()
        .expect("control groups are mounted");
    stage::mount_tmpfs(&group, c"mode=755");
    fs::write(group.join("pids.max"), "52").unwrap();
    fs::write(group.join("pids.current"), "17").unwrap();
    assert_eq!(bound_here(), ("threads".into(), 3));

    // Two pipes of eight pages. Root of the machine may go beyond, root of a container may not.
    say_instead("/proc/sys/fs/pipe-user-pages-soft", folder, 2 * 8 + 1);
    if is_of_the_machine {
        assert_eq!(bound_here().0, "threads");
    }
    for capability in [CapabilitySet::SYS_RESOURCE, CapabilitySet::SYS_ADMIN] {
        remove_capability_from_bounding_set(capability).unwrap();
    }
    assert_eq!(bound_here(), ("pipe memory".into(), 2));
}

#[test]
fn o1_plan_says_which_limit_of_the_machine_the_container_or_the_user_comes_first() {
    const TEST: &str = "o1_plan_says_which_limit_of_the_machine_the_container_or_the_user_comes_first";
    if let Some((_, base)) = role() {
        return play_limits(&base);
    }
    let stage = Stage::new();
    stage::play_in_namespace(TEST, "limits", &stage.base());
}

#[test]
fn o1_plan_knows_the_memory_of_the_control_groups_above_this_one() {
    const TEST: &str = "o1_plan_knows_the_memory_of_the_control_groups_above_this_one";
    const LIMIT: u64 = 64 << 20;
    if let Some((_, base)) = role() {
        ControlGroup::enter(&base, LIMIT);
        let (what, fit) = bound(&mut Command::new(env!("CARGO_BIN_EXE_vas-frames")), &base);
        assert_eq!(what, "memory");
        // A ring of 5.3 MiB, and what the host needs beside it.
        assert!((6..=11).contains(&fit), "{fit}");
        return;
    }
    let stage = Stage::new();
    let _group = ControlGroup::of(&stage.base());
    assert!(play(TEST, "limited", &stage.base()).wait().success());
}

/// The table of docs/scaling.md, as plan has it.
#[allow(clippy::cast_precision_loss, reason = "a plan is good to three digits")]
fn scaling_table() -> String {
    let stage = Stage::new();
    let mut table = String::new();
    for size in ["1280x720", "1920x1080"] {
        for cameras in ["64", "256", "1000"] {
            let planned = json(&stage.path, &["plan", "--cameras", cameras, "--size", size]);
            let needs = planned["needs"].as_array().unwrap();
            let need = |what: &str| {
                let need = needs.iter().find(|need| need["what"] == what).unwrap();
                // What the host has beside the cameras depends on where this runs.
                need["per_camera"].as_f64().unwrap() * cameras.parse::<f64>().unwrap()
            };
            writeln!(
                table,
                "| {cameras} | {size} | {:.1} GB | {:.0} MiB | {} | {} | {} | {:.0} GB/s | {:.1} |",
                need("shared memory") / 1e9,
                need("pipe memory") / f64::from(1 << 20),
                need("descriptors"),
                need("threads"),
                need("mappings"),
                need("memory traffic") / 1e9,
                need("processors"),
            )
            .unwrap();
        }
    }
    table
}

#[test]
fn o1_g11_the_table_of_the_document_on_scaling_is_what_plan_says() {
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scaling.md")).unwrap();
    let table = document.split("<!-- plan -->\n").nth(1).unwrap();
    let rows: String = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(rows, scaling_table());

    let command = document
        .lines()
        .find_map(|line| line.strip_prefix("    vas-frames "));
    let words: Vec<&str> = command.unwrap().split(' ').collect();
    let planned = json(&Stage::new().path, &words);
    assert_eq!(planned["cameras"], 256);
}

#[test]
fn o1_follow_counts_what_came_and_ends_with_the_camera() {
    let stage = Stage::new();
    let base = stage.base();
    let mut camera = Camera::with_frames(&base, "entrance", 1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_vas-frames"));
    command
        .arg("--base-dir")
        .arg(&base)
        .args(["--json", "follow", "entrance"]);
    let process = command.stdout(Stdio::piped()).spawn().unwrap();
    let maps = format!("/proc/{}/maps", process.id());
    wait_until("it has the ring open", || {
        fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("frame.data"))
    });
    sleep(Duration::from_millis(100));
    for byte in 0..10 {
        publish(&mut camera.writer, byte);
        sleep(Duration::from_millis(20));
    }
    camera.segment.end();
    let output = process.wait_with_output().unwrap();
    let last = text(&output).lines().last().unwrap().to_owned();
    let summary: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(summary["ended_by"], "ended");
    let seen = summary["total"]["frames"].as_u64().unwrap() + summary["total"]["missed"].as_u64().unwrap();
    assert_eq!(seen, 10, "{summary}");
}

#[test]
fn o1_only_reads() {
    let stage = Stage::new();
    let base = stage.base();
    let _camera = Camera::with_frames(&base, "entrance", 3);
    fs::set_permissions(&base, PermissionsExt::from_mode(0o755)).unwrap();
    let state = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let paths = [
        base.clone(),
        base.join("entrance"),
        base.join("entrance/frame.meta"),
    ];
    let before = paths.each_ref().map(|path| state(path));
    for command in [
        &["list"][..],
        &["inspect", "entrance"],
        &["follow", "entrance", "--seconds", "0.1"],
        &["verify", "entrance", "--seconds", "0.1"],
        &["readers"],
        &["health", "entrance"],
        &["metrics"],
        &["clean"],
    ] {
        vas_frames(&base, command);
    }
    assert_eq!(stage::names(&base), [".entrance.lock", "entrance"]);
    assert_eq!(paths.each_ref().map(|path| state(path)), before);
}

/// The commands that there are, as the help lists them.
fn commands(stage: &Stage) -> Vec<String> {
    let help = text(&vas_frames(&stage.path, &["--help"]));
    let listed = help.split("Commands:\n").nth(1).unwrap();
    let commands: Vec<_> = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|command| command != "help")
        .collect();
    assert!(commands.len() >= 13, "{help}");
    commands
}

#[test]
fn o1_every_command_is_tried_and_has_its_line_in_the_readme() {
    let tests = [include_str!("commands.rs"), include_str!("matrix.rs")].concat();
    let readme = include_str!("../README.md");
    for command in commands(&Stage::new()) {
        assert!(
            tests.contains(&format!("\"{command}\"")),
            "no test runs {command}"
        );
        assert!(
            readme.contains(&format!("\n    vas-frames {command}")),
            "the README does not show {command}"
        );
    }
}

#[test]
fn o1_completion_and_manual_know_every_command() {
    let stage = Stage::new();
    let commands = commands(&stage);
    let manual = text(&vas_frames(&stage.path, &["man"]));
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&vas_frames(&stage.path, &["completion", shell]));
        for command in &commands {
            assert!(script.contains(command), "{shell} does not know {command}");
            assert!(
                manual.contains(&command.to_uppercase()),
                "the manual does not know {command}"
            );
        }
    }
    assert!(manual.contains("Exit codes"));
    // A reader that goes away early, as head does.
    let shell = format!("{} man | head -1", env!("CARGO_BIN_EXE_vas-frames"));
    let output = Command::new("sh").args(["-c", &shell]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Whether a program can be run. Where every test must run all that it has, a missing one is a failure.
fn is_at_hand(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    assert!(
        is_there || std::env::var_os("VAS_TEST_EVERYTHING").is_none(),
        "{program} is missing"
    );
    is_there
}

/// What a shell answers once it has loaded its completion script, which stands in `$SCRIPT`.
fn shell(stage: &Stage, program: &str, arguments: &[&str]) -> String {
    let script = stage.path.join(format!("vas-frames.{program}"));
    fs::write(&script, text(&vas_frames(&stage.path, &["completion", program]))).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .env("SCRIPT", &script)
        .env("HOME", &stage.path)
        .output()
        .unwrap();
    text(&output)
}

#[test]
fn o1_the_shells_at_hand_load_their_completion_and_man_shows_the_manual_without_a_warning() {
    let stage = Stage::new();
    let bash = "source \"$SCRIPT\"; COMP_WORDS=(vas-frames hea); COMP_CWORD=1; \
                completes=$(complete -p vas-frames | grep -o '_vas[a-z_]*'); \
                $completes vas-frames hea vas-frames; echo \"${COMPREPLY[@]}\"";
    assert_eq!(shell(&stage, "bash", &["--norc", "-c", bash]), "health\n");
    let zsh =
        "autoload -U compinit; compinit -u -d \"$HOME/dump\"; source \"$SCRIPT\"; print $_comps[vas-frames]";
    if is_at_hand("zsh") {
        assert_eq!(shell(&stage, "zsh", &["-fc", zsh]), "_vas-frames\n");
    }
    let fish = "source \"$SCRIPT\"; complete -C 'vas-frames hea'";
    if is_at_hand("fish") {
        assert!(shell(&stage, "fish", &["--no-config", "-c", fish]).starts_with("health\t"));
    }
    if !is_at_hand("man") {
        return;
    }

    let page = stage.path.join("vas-frames.1");
    fs::write(&page, text(&vas_frames(&stage.path, &["man"]))).unwrap();
    let mut man = Command::new("man");
    man.args(["--warnings", "--encoding=UTF-8", "-l"])
        .arg(&page)
        .env("MANWIDTH", "80");
    let shown = text(&man.output().unwrap());
    assert!(
        shown.contains("\nHEALTH\n") && shown.contains("Exit codes:"),
        "{shown}"
    );
}

#[test]
fn g11_every_command_line_of_the_readme_works() {
    let stage = Stage::new();
    let base = stage.base();
    let mut camera = Camera::with_frames(&base, "entrance", 3);
    let bin = Path::new(env!("CARGO_BIN_EXE_vas-frames")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let lines: Vec<_> = include_str!("../README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("    vas-frames "))
        .collect();
    assert!(lines.len() >= 15);
    for line in lines {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("exec timeout 3 vas-frames {line}")])
            .current_dir(&stage.path);
        command
            .env("PATH", &path)
            .env("VAS_FRAMES_BASE_DIR", &base)
            .stdout(Stdio::null());
        let mut process = command.spawn().unwrap();
        let code = loop {
            publish(&mut camera.writer, 1);
            camera.beat_was(0);
            if let Some(status) = process.try_wait().unwrap() {
                break status.code().unwrap();
            }
            sleep(Duration::from_millis(20));
        };
        // timeout(1) ends what goes on for ever.
        let wanted: &[i32] = if line.contains("--watch") {
            &[124]
        } else if line.starts_with("plan") {
            &[0, 1]
        } else {
            &[0]
        };
        assert!(wanted.contains(&code), "vas-frames {line}: exit code {code}");
    }
}
