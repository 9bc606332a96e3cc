//! Arguments, files and repositories made to keep us busy, to fill our memory, or to lead elsewhere.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

/// A preview runs where events are handled: nothing may hold it up.
fn is_prompt<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    let took = begun.elapsed();
    // Without a bound each takes hours; the limit is for a machine that has other work.
    assert!(took < Duration::from_secs(60), "{what}: {took:?}");
    done
}

/// Eight million matches, a text that nearly is there a million times, a replacement that would fill the memory.
#[tokio::test]
async fn an_edit_is_bounded_whatever_it_matches() {
    let bench = Bench::new();
    bench.write("same", "a".repeat(8 << 20));
    bench.write("lines", "a\n".repeat(4 << 20));
    for (path, arguments, why) in [
        (
            "same",
            json!({"path": "same", "old": "a", "new": "b"}),
            "8388608 times (lines 1, 1, 1, 1, …)",
        ),
        (
            "lines",
            json!({"path": "lines", "old": format!("{}b", "a\n".repeat(1 << 20)), "new": "x"}),
            "`old` is not in lines",
        ),
        (
            "same",
            json!({"path": "same", "old": "a", "new": "x".repeat(1 << 20), "all": true}),
            "the file would be larger than 8 MiB",
        ),
    ] {
        let preview = is_prompt(path, || bench.preview("edit_file", arguments.clone()));
        assert_eq!(preview.diff, None);
        let said = bench.fails("edit_file", arguments).await;
        assert!(said.contains(why), "{said}");
    }
    let other = json!({"path": "lines", "content": "b\n".repeat(4 << 20)});
    is_prompt("a diff of millions of lines", || {
        bench.preview("write_file", other)
    });
}

/// Nested as deep as arguments get, and as long.
#[tokio::test]
async fn patterns_and_globs_are_bounded() {
    let bench = Bench::new();
    bench.write("a", "aaaa");
    let deep =
        |open: &str, close: &str| format!("{}a{}", open.repeat(200_000), close.repeat(200_000));
    for (arguments, why) in [
        (json!({"name": deep("{", "}")}), "`name` is longer than"),
        (
            json!({"name": "{a,b}".repeat(100_000)}),
            "`name` is longer than",
        ),
        (
            json!({"name": deep("{", "}")[199_500..200_500]}),
            "`name`: ",
        ),
        (
            json!({"pattern": deep("(", ")")}),
            "`pattern` is longer than",
        ),
        (
            json!({"pattern": "((((((a{1000}){1000}){1000}){1000}){1000}){1000})"}),
            "`pattern`: ",
        ),
    ] {
        let begun = Instant::now();
        let said = bench.fails("search_files", arguments).await;
        assert!(said.contains(why), "{}", &said[..said.len().min(300)]);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

/// A repository's own `.gitignore` is read before anything is searched.
#[tokio::test]
async fn what_says_what_to_ignore_is_bounded() {
    let bench = Bench::new();
    bench.write("sub/needle", "needle\n");
    let huge = std::fs::File::create(bench.work.join("sub/.gitignore")).unwrap();
    huge.set_len(1 << 40).unwrap();
    bench.write("needle", "needle\n");
    let begun = Instant::now();
    let said = bench
        .does("search_files", json!({"pattern": "needle"}))
        .await;
    assert!(said.starts_with("needle:1: needle\n"), "{said}");
    assert!(said.contains("could not be read"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    let said = bench
        .fails("search_files", json!({"pattern": "needle", "path": "sub"}))
        .await;
    assert!(said.contains(".gitignore is larger than"), "{said}");
}

/// A repository may hold such a link; what it leads to is not searched for anybody.
#[tokio::test]
async fn links_to_devices_are_no_files() {
    let bench = Bench::new();
    for (name, target) in [
        ("zero", "/dev/zero"),
        ("stdin", "/dev/stdin"),
        ("self", "/proc/self/mem"),
    ] {
        symlink(target, bench.work.join(name)).unwrap();
        let said = bench.fails("read_file", json!({"path": name})).await;
        assert!(
            said.contains("is a device") || said.contains("closed to tools"),
            "{said}"
        );
    }
    let said = bench.does("search_files", json!({"pattern": "x"})).await;
    assert!(said.contains("nothing found"), "{said}");
}
