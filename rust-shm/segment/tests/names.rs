//! What is checked before anything is touched: camera ids and file modes.

use vas_frame_segment::CameraId;
use vas_frame_segment::writer::FileMode;

#[test]
fn p2_9_refuses_hostile_camera_ids() {
    let too_long = "a".repeat(65);
    let hostile = [
        "",
        ".",
        "..",
        "...",
        ".hidden",
        ".a.lock",
        "../a",
        "a/b",
        "/",
        "/etc",
        "a/",
        "a/../b",
        "\\",
        "a\\b",
        "a\0",
        "\0",
        "a\0b",
        " ",
        " a",
        "a ",
        "a b",
        "a\n",
        "\ta",
        "a\r",
        "\u{7f}",
        "\u{1b}[31m",
        "a:b",
        "a*",
        "a?",
        "~",
        "$HOME",
        "`a`",
        "a;b",
        "a|b",
        "a&b",
        "a'b",
        "a\"b",
        "<a>",
        "a%2fb",
        "a+b",
        "a,b",
        "a=b",
        "a@b",
        "#a",
        "(a)",
        "[a]",
        "{a}",
        "\u{e9}",
        "caf\u{e9}",
        "\u{ff0f}",
        "a\u{2215}b",
        "\u{2024}\u{2024}",
        "\u{430}",
        "\u{ff21}",
        "a\u{200b}",
        "\u{feff}a",
        "a\u{202e}b",
        "e\u{301}",
        "\u{1f600}",
        &too_long,
        &"\u{e9}".repeat(33),
    ];
    for id in hostile {
        let error = CameraId::new(id).expect_err(id);
        assert_eq!(error.code(), "BAD_CAMERA_ID", "{id:?}");
        let message = error.to_string();
        assert!(message.len() < 1000, "{message}");
        assert!(
            !message.contains(|character: char| character.is_control()),
            "{message:?}"
        );
    }
}

#[test]
fn p2_9_accepts_plain_camera_ids() {
    let longest = "z".repeat(CameraId::MAX_LEN);
    for id in [
        "a",
        "0",
        "-",
        "_",
        "a.",
        "a..b",
        "cam-1",
        "Cam_1.front",
        "a.lock",
        "a.new",
        "-rf",
        &longest,
    ] {
        assert_eq!(CameraId::new(id).unwrap().as_str(), id);
    }
}

#[test]
fn p2_2_refuses_file_modes_that_let_others_write_or_execute() {
    for mode in [0o600, 0o640, 0o604, 0o644] {
        assert!(FileMode::new(mode).is_ok(), "{mode:o}");
    }
    let accepted = (0..=0o7777).filter(|&mode| FileMode::new(mode).is_ok()).count();
    assert_eq!(accepted, 4);
    assert_eq!(FileMode::new(0o666).unwrap_err().code(), "BAD_OPTION");
}
