//! `write_file` and `edit_file`.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_file_is_made_with_its_directories() {
    let bench = Bench::new();
    let arguments = json!({"path": "new/dir/a.txt", "content": "1\n2\n"});
    let preview = bench.preview("write_file", arguments.clone());
    assert_eq!(
        preview.diff.unwrap(),
        "--- /dev/null\n+++ b/new/dir/a.txt\n@@ -0,0 +1,2 @@\n+1\n+2\n"
    );
    assert!(!bench.work.join("new").exists(), "a preview does nothing");
    let said = bench.does("write_file", arguments).await;
    assert_eq!(said, "created new/dir/a.txt: 2 lines, 4 bytes");
    assert_eq!(bench.read("new/dir/a.txt"), b"1\n2\n");
    // The same once more has no diff to look at: that is said.
    let same = json!({"path": "new/dir/a.txt", "content": "1\n2\n"});
    let preview = bench.preview("write_file", same);
    assert_eq!(
        (preview.diff, preview.note.as_deref()),
        (None, Some("it is so already"))
    );
    let said = bench
        .does(
            "write_file",
            json!({"path": "new/dir/a.txt", "content": ""}),
        )
        .await;
    assert_eq!(said, "replaced new/dir/a.txt: 0 lines, 0 bytes");
    assert_eq!(
        names(&bench, "new/dir"),
        ["a.txt"],
        "nothing is left beside it"
    );
}

fn names(bench: &Bench, path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(bench.work.join(path)).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn mode_and_link_stay() {
    let bench = Bench::new();
    bench.write("run.sh", "echo a\n");
    let mode = |bits| std::fs::Permissions::from_mode(bits);
    std::fs::set_permissions(bench.work.join("run.sh"), mode(0o751)).unwrap();
    symlink("run.sh", bench.work.join("link")).unwrap();
    bench
        .does("edit_file", json!({"path": "link", "old": "a", "new": "b"}))
        .await;
    let found = std::fs::symlink_metadata(bench.work.join("run.sh")).unwrap();
    assert_eq!(found.permissions().mode() & 0o7777, 0o751);
    assert_eq!(bench.read("run.sh"), b"echo b\n");
    assert!(
        std::fs::symlink_metadata(bench.work.join("link"))
            .unwrap()
            .is_symlink()
    );
}

#[tokio::test]
async fn what_is_no_file_is_not_written() {
    let bench = Bench::new();
    fifo(&bench.work.join("fifo"));
    std::fs::create_dir(bench.work.join("dir")).unwrap();
    for (path, why) in [
        ("fifo", "fifo is a FIFO, not a file"),
        ("dir", "dir is a directory"),
        (".", ". is a directory"),
        ("/dev/null", "/dev/null is a device, not a file"),
    ] {
        let said = bench
            .fails("write_file", json!({"path": path, "content": "x"}))
            .await;
        assert_eq!(said, why);
        let said = bench
            .fails("edit_file", json!({"path": path, "old": "x", "new": "y"}))
            .await;
        assert_eq!(said, why);
    }
}

#[tokio::test]
async fn an_edit_says_how_often_it_matched() {
    let bench = Bench::new();
    bench.write("a.rs", "let a = 1;\nlet b = 1;\n\tlet c = 2;\n");
    let edit = |old: &str, new: &str, all: bool| json!({"path": "a.rs", "old": old, "new": new, "all": all});
    for (arguments, why) in [
        (
            edit("= 1", "= 2", false),
            "`old` is in a.rs 2 times (lines 1, 2); give more of its surroundings, or `all`",
        ),
        (
            edit("    let c = 2;", "x", false),
            "differs only in white space begins at line 3",
        ),
        (
            edit("let b = 7;", "x", false),
            "the nearest is line 2: \"let b = 1;\"",
        ),
        (edit("", "x", false), "`old` is empty"),
        (edit("let", "let", false), "are the same"),
    ] {
        let said = bench.fails("edit_file", arguments).await;
        assert!(said.contains(why), "{said}");
    }
    let said = bench
        .fails("edit_file", json!({"path": "b.rs", "old": "x", "new": "y"}))
        .await;
    assert!(
        said.contains("no such file; write_file makes one"),
        "{said}"
    );
    let arguments = edit("let b = 1;", "let b = 3;", false);
    let diff = bench.preview("edit_file", arguments.clone()).diff.unwrap();
    assert!(diff.contains("-let b = 1;\n+let b = 3;\n"), "{diff}");
    assert_eq!(
        bench.does("edit_file", arguments).await,
        "replaced once in a.rs"
    );
    let said = bench.does("edit_file", edit("let ", "const ", true)).await;
    assert_eq!(said, "replaced 3 times in a.rs");
    assert_eq!(
        bench.read("a.rs"),
        b"const a = 1;\nconst b = 3;\n\tconst c = 2;\n"
    );
}

#[tokio::test]
async fn line_ends_stay() {
    let bench = Bench::new();
    for (before, old, new, after) in [
        ("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"),
        ("a\r\nb\r\n", "a\r\nb", "x\r\ny", "x\r\ny\r\n"),
        ("a\r\nb\r\n", "b", "b\nc", "a\r\nb\r\nc\r\n"),
        ("a\r\nb\nc", "b\nc", "x", "a\r\nx"),
        ("a\nb", "b", "c\r\n", "a\nc\r\n"),
        ("\u{feff}a", "a", "b", "\u{feff}b"),
    ] {
        bench.write("f", before);
        bench
            .does("edit_file", json!({"path": "f", "old": old, "new": new}))
            .await;
        assert_eq!(
            String::from_utf8(bench.read("f")).unwrap(),
            after,
            "{before:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_shown_is_left_alone() {
    let bench = Bench::new();
    bench.write("f", "one\n");
    let edit = json!({"path": "f", "old": "one", "new": "two"});
    let write = json!({"path": "f", "content": "three\n"});
    for (tool, arguments) in [("edit_file", edit), ("write_file", write.clone())] {
        bench.write("f", "one\n");
        assert!(bench.preview(tool, arguments.clone()).diff.is_some());
        bench.write("f", "one\nand more\n");
        let said = bench.fails(tool, arguments.clone()).await;
        assert!(
            said.contains("changed after the change was shown"),
            "{said}"
        );
        assert_eq!(bench.read("f"), b"one\nand more\n");
        // Once it was said, it is the model's to decide.
        bench.preview(tool, arguments.clone());
        bench.does(tool, arguments).await;
    }
    let write = json!({"path": "g", "content": "x"});
    bench.preview("write_file", write.clone());
    bench.write("g", "somebody's");
    let said = bench.fails("write_file", write).await;
    assert!(said.contains("changed after"), "{said}");
    assert_eq!(bench.read("g"), b"somebody's");
}

#[tokio::test]
async fn binary_and_large_files_are_not_edited() {
    let bench = Bench::new();
    bench.write("bin", b"\xff\xfe\x00");
    let said = bench
        .fails("edit_file", json!({"path": "bin", "old": "a", "new": "b"}))
        .await;
    assert!(said.contains("no UTF-8 text"), "{said}");
    let large = std::fs::File::create(bench.work.join("large")).unwrap();
    large.set_len(1 << 30).unwrap();
    for (tool, arguments) in [
        (
            "edit_file",
            json!({"path": "large", "old": "a", "new": "b"}),
        ),
        ("write_file", json!({"path": "large", "content": "x"})),
    ] {
        let said = bench.fails(tool, arguments).await;
        assert_eq!(said, "large is larger than 8 MiB");
    }
}
