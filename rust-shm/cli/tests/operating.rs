//! O1: somebody who has only the operating guide gets its five questions answered by the commands that stand there.

mod system;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid};
use system::stage::{self, Stage, next_generation, options, publish, role, wait_until};
use system::{Camera, SECOND, health, play_writer, start_writer};
use vas_frame_protocol::{FrameStamp, beat, checksum};
use vas_frame_segment::FrameSource;
use vas_frame_segment::clock::monotonic_ns;
use vas_frame_segment::writer::Segment;

/// A question of the guide: the commands that answer it, and what stands in the answers.
struct Question {
    title: String,
    commands: Vec<String>,
    answers: Vec<String>,
}

fn questions() -> Vec<Question> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let guide = fs::read_to_string(guide).unwrap();
    let section = guide.split("\n## ").nth(1).unwrap();
    assert!(section.starts_with("Five questions\n"), "it is the first section");
    let of = |text: &str| Question {
        title: text.lines().next().unwrap().to_owned(),
        commands: text
            .lines()
            .filter_map(|line| line.strip_prefix("    vas-frames "))
            .map(str::to_owned)
            .collect(),
        answers: text
            .lines()
            .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
            .collect(),
    };
    section.split("\n### ").skip(1).map(of).collect()
}

/// Whether an answer of the guide stands in a line: `N` is any number, `...` is anything, spaces do not count.
fn is_in(answer: &str, line: &str) -> bool {
    let answer: Vec<_> = answer.split_whitespace().collect();
    let line: Vec<_> = line.split_whitespace().collect();
    (0..=line.len()).any(|start| begins(&line[start..], &answer))
}

fn begins(line: &[&str], answer: &[&str]) -> bool {
    match answer {
        [] => true,
        ["...", rest @ ..] => (0..=line.len()).any(|skipped| begins(&line[skipped..], rest)),
        [word, rest @ ..] => line
            .split_first()
            .is_some_and(|(first, others)| is_word(word, first) && begins(others, rest)),
    }
}

fn is_word(answer: &str, word: &str) -> bool {
    if let Some((before, after)) = answer.split_once("...") {
        let rest = word.strip_prefix(before);
        return rest.is_some_and(|rest| rest.ends_with(after));
    }
    match answer.strip_prefix('N') {
        Some(mark) if mark.chars().all(|mark| mark.is_ascii_punctuation()) => word
            .strip_suffix(mark)
            .is_some_and(|number| number.parse::<f64>().is_ok()),
        _ => answer == word,
    }
}

/// A live camera, and others that are not.
struct System {
    entrance: Camera,
    yard: Camera,
    damaged: Camera,
    picture: u8,
    base: std::path::PathBuf,
}

impl System {
    fn new(base: &Path) -> Self {
        let mut entrance = Camera::open(base, "entrance");
        let mut yard = Camera::open(base, "yard");
        let old = FrameStamp {
            timestamp_ns: monotonic_ns().saturating_sub(12 * SECOND),
            ..FrameStamp::default()
        };
        let picture = vec![1; yard.writer.header().geometry().frame_bytes()];
        yard.writer.push(&picture, &old).unwrap();
        publish(&mut entrance.writer, 1);
        let damaged = Camera::open(base, "lobby");
        let base = base.to_owned();
        Self {
            entrance,
            yard,
            damaged,
            picture: 0,
            base,
        }
    }

    /// The next frame of each camera that has some, and the heartbeat of this process.
    fn go_on(&mut self) {
        self.picture = self.picture.wrapping_add(1);
        let push = |camera: &mut Camera, value: u8, checksum: u32| {
            let stamp = FrameStamp {
                timestamp_ns: monotonic_ns(),
                checksum: Some(checksum),
                ..FrameStamp::default()
            };
            let picture = vec![value; camera.writer.header().geometry().frame_bytes()];
            camera.writer.push(&picture, &stamp).unwrap();
        };
        let bytes = vec![self.picture; self.entrance.writer.header().geometry().frame_bytes()];
        push(&mut self.entrance, self.picture, checksum(&bytes));
        // What a torn frame looks like: its checksum is that of another picture.
        push(&mut self.damaged, self.picture, 7);
        for camera in [&self.entrance, &self.yard, &self.damaged] {
            beat(camera.segment.memory(), monotonic_ns());
        }
    }

    /// Runs a command of the guide while the cameras go on. What it says, on both of its outputs.
    fn answer(&mut self, command: &str, can_see_others: bool) -> String {
        let file = self.base.with_file_name("answer");
        let output = fs::File::create(&file).unwrap();
        // Another user may not reach the tool where it was built, and can run it once it is open.
        let user = if !can_see_others && geteuid().is_root() {
            "setpriv --reuid 65534 --regid 65534 --clear-groups"
        } else {
            ""
        };
        let line = format!(
            "exec 2>&1 3<{}; exec timeout 60 {user} sh -c 'exec /proc/self/fd/3 {command}'",
            env!("CARGO_BIN_EXE_vas-frames")
        );
        let mut process = Command::new("sh")
            .args(["-c", &line])
            .env("VAS_FRAMES_BASE_DIR", &self.base)
            .stdout(Stdio::from(output))
            .spawn()
            .unwrap();
        self.go_on_until(&mut process);
        fs::read_to_string(&file).unwrap()
    }

    fn go_on_until(&mut self, process: &mut Child) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the command does not end");
            self.go_on();
            sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn o1_g11_the_operating_guide_answers_its_five_questions() {
    const TEST: &str = "o1_g11_the_operating_guide_answers_its_five_questions";
    if let Some(part) = role() {
        play_writer(&part);
    }
    let stage = Stage::new();
    let base = stage.base();
    let empty = stage.path.join("empty");
    let mut system = System::new(&base);
    // A reader of a ring that was replaced while it looked.
    let stale = FrameSource::open(&base, &stage::camera("entrance")).unwrap();
    let next = Segment::create(&system.entrance.lock, &next_generation(&options(), 2)).unwrap();
    system.entrance.writer = stage::writer(&next);
    system.entrance.segment = next;
    let current = FrameSource::open(&base, &stage::camera("entrance")).unwrap();
    let hung = start_writer(TEST, &base, "gate");
    start_writer(TEST, &base, "garage").kill();
    hung.signal(Signal::STOP);
    wait_until("their heartbeats are old", || {
        health(&base, "gate").1 == "hung" && health(&base, "garage").1 == "dead"
    });

    let questions = questions();
    let titles: Vec<_> = questions.iter().map(|question| question.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Which cameras are live?",
            "Why is one not?",
            "Who holds memory?",
            "Are the frames whole?",
            "How many more cameras fit?",
        ]
    );
    for Question {
        title,
        commands,
        answers,
    } in questions
    {
        assert!(!commands.is_empty() && answers.len() >= 2, "{title}");
        let mut said = String::new();
        for command in &commands {
            said += &system.answer(command, true);
            let is_of_a_camera = command.contains("yard") || command.contains("entrance");
            for camera in ["entrance", "yard", "lobby", "gate", "garage", "roof"] {
                if is_of_a_camera {
                    said +=
                        &system.answer(&command.replace("yard", camera).replace("entrance", camera), true);
                }
            }
            if !is_of_a_camera {
                said += &system.answer(command, false);
                let of_nobody = std::mem::replace(&mut system.base, empty.clone());
                said += &system.answer(command, true);
                system.base = of_nobody;
            }
        }
        for answer in answers {
            assert!(
                said.lines().any(|line| is_in(&answer, line)),
                "{title} The guide says \"{answer}\", the commands say:\n{said}"
            );
        }
    }
    drop((stale, current, hung));
}
