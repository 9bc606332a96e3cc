//! What the tools of servers are called: a Responses API takes 1 to 64 of `a-z A-Z 0-9 _ -`.

use crate::fingerprint::fingerprint;

const LONGEST: usize = 64;

/// The name for a server's tool that is none of `taken`.
pub(super) fn called(server: &str, tool: &str, taken: &[String]) -> String {
    let valid = |text: &str| -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        text.chars()
            .map(|c| if allowed(c) { c } else { '_' })
            .collect()
    };
    let plain = format!("mcp__{}__{}", valid(server), valid(tool));
    if plain.len() <= LONGEST && !taken.contains(&plain) {
        return plain;
    }
    // The same tool has the same name in the next process and version: sessions remember it.
    let mark = fingerprint([server, tool]);
    let head: String = plain.chars().take(LONGEST - 9).collect();
    (0..)
        .map(|turn| format!("{head}_{:08x}", mark.wrapping_add(turn) as u32))
        .find(|name| !taken.contains(name))
        .unwrap_or(head)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_apart() {
        let mut taken = Vec::new();
        let long = "x".repeat(100);
        for (server, tool) in [
            ("files", "read"),
            ("files", "read"),
            ("files", "re ad"),
            ("files", "re.ad"),
            ("files", &long),
            ("files", "ä/\u{1b}[0m"),
            (&long, "a"),
            (&long, "b"),
        ] {
            let name = called(server, tool, &taken);
            assert!(name.len() <= 64 && name.starts_with("mcp__"), "{name}");
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
            );
            assert!(!taken.contains(&name), "{name}");
            taken.push(name);
        }
        assert_eq!(taken[0], "mcp__files__read");
        assert_eq!(called("files", &long, &[]), taken[4]);
    }
}
