//! `search_files`.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;

fn planted() -> Bench {
    let bench = Bench::new();
    bench.write("src/main.rs", "fn main() {\n    Needle();\n}\n");
    bench.write("src/deep/lib.rs", "// needle\n");
    bench.write("target/out.rs", "needle\n");
    bench.write(".gitignore", "target/\n");
    bench.write(".git/config", "needle\n");
    bench.write(".github/ci.yml", "needle: yes\n");
    bench.write("bin", b"needle\x00needle\n");
    bench
}

#[tokio::test]
async fn lines_and_names_are_found() {
    let bench = planted();
    for (arguments, found, summary) in [
        (
            json!({"pattern": "needle"}),
            ".github/ci.yml:1: needle: yes\nsrc/deep/lib.rs:1: // needle\n",
            "2 lines",
        ),
        (
            json!({"pattern": "^ *needle\\(", "ignore_case": true}),
            "src/main.rs:2:     Needle();\n",
            "1 line",
        ),
        (
            json!({"name": "*.rs"}),
            "src/deep/lib.rs\nsrc/main.rs\n",
            "2 files",
        ),
        (json!({"name": "src/*.rs"}), "src/main.rs\n", "1 file"),
        (json!({"name": "**/deep/*"}), "src/deep/lib.rs\n", "1 file"),
        (
            json!({"name": "*.rs", "pattern": "needle"}),
            "src/deep/lib.rs:1: // needle\n",
            "1 line",
        ),
        (
            json!({"path": "src/deep", "name": "*.rs"}),
            "src/deep/lib.rs\n",
            "1 file",
        ),
        (
            json!({"path": "src/main.rs", "pattern": "main"}),
            "src/main.rs:1: fn main() {\n",
            "1 line",
        ),
        // What was asked for by name is not ignored.
        (
            json!({"path": "target", "pattern": "needle"}),
            "target/out.rs:1: needle\n",
            "1 line",
        ),
        (
            json!({"pattern": "haystack"}),
            "[nothing found in 5 files]\n",
            "0 lines",
        ),
    ] {
        let output = bench.call("search_files", arguments.clone()).await;
        assert_eq!(text(&output), found, "{arguments}");
        assert_eq!(output.summary, summary, "{arguments}");
    }
    let preview = bench.preview("search_files", json!({"pattern": "x", "path": "src"}));
    assert_eq!((preview.subject.as_str(), preview.outside), ("src x", None));
}

#[tokio::test]
async fn what_cannot_be_searched_is_said() {
    let bench = planted();
    for (arguments, why) in [
        (json!({}), "give a `pattern`, a `name`, or both"),
        (json!({"pattern": "("}), "`pattern`: "),
        (json!({"pattern": "(?:x{1000}){1000}{1000}"}), "`pattern`: "),
        (json!({"name": "["}), "`name`: "),
        (
            json!({"pattern": "x", "path": "none"}),
            "none: no such file or directory",
        ),
        (
            json!({"pattern": "x", "path": "/dev/zero"}),
            "/dev/zero is a device",
        ),
    ] {
        let said = bench.fails("search_files", arguments).await;
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn what_is_found_is_bounded() {
    let bench = Bench::new();
    bench.write("many", "needle\n".repeat(100_000));
    bench.write(
        "wide",
        format!("{}needle{}\n", "x".repeat(1_000), "y".repeat(1_000_000)),
    );
    let output = bench
        .call("search_files", json!({"pattern": "needle", "path": "many"}))
        .await;
    let said = text(&output);
    assert_eq!(said.lines().count(), 201);
    assert!(said.ends_with("[there is more; narrow the search]\n"));
    assert_eq!(output.summary, "200 lines and more");
    let said = bench
        .does("search_files", json!({"pattern": "needle", "path": "wide"}))
        .await;
    assert_eq!(said.len(), "wide:1: ".len() + 300 + " […]\n".len());
    bench.write("one_line", "z".repeat(9 << 20));
    let said = bench
        .does(
            "search_files",
            json!({"pattern": "zzz$", "path": "one_line"}),
        )
        .await;
    assert!(
        said.contains("1 file not searched to the end: a line above 4 MiB"),
        "{said}"
    );
}

#[tokio::test]
async fn special_files_deep_directories_and_links_are_withstood() {
    let bench = planted();
    fifo(&bench.work.join("src/fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(bench.work.join("src/s")).unwrap();
    symlink("..", bench.work.join("src/up")).unwrap();
    symlink("/dev/zero", bench.work.join("src/zero")).unwrap();
    // A walk that opened it would wait for ever.
    std::fs::create_dir(bench.work.join("trap")).unwrap();
    fifo(&bench.work.join("trap/.gitignore"));
    bench.write("trap/x", "needle\n");
    let large = std::fs::File::create(bench.work.join("large")).unwrap();
    large.set_len(1 << 30).unwrap();
    let deep = "d/".repeat(400);
    bench.write(&format!("{deep}x"), "needle\n");
    let said = bench
        .does("search_files", json!({"pattern": "needle"}))
        .await;
    assert_eq!(
        said,
        ".github/ci.yml:1: needle: yes\nsrc/deep/lib.rs:1: // needle\n\
         [1 file above 64 MiB not searched]\n[1 directory below 128 levels not searched]\n\
         [1 path could not be read]\n"
    );
    fifo(&bench.work.join("../.ignore"));
    let said = bench
        .fails("search_files", json!({"pattern": "needle"}))
        .await;
    assert!(said.contains("/.ignore is not a file"), "{said}");
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let bench = planted();
    let cancel = tokio_util::sync::CancellationToken::new();
    cancel.cancel();
    let (context, _lines) = context(&cancel);
    let call = bench
        .tool("search_files")
        .call(object(json!({"pattern": "x"})), context);
    assert_eq!(text(&call.await), "interrupted");
}
