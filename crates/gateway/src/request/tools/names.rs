//! Names for tools that go upstream as something else: free ones, the same for the same list of tools.

use std::collections::{HashMap, HashSet};

/// The longest name of a function that the Responses API takes.
const LONGEST: usize = 64;

/// The names of one request's functions.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The number to try next for a name that is taken: ten thousand tools of one name are named in one pass.
    next: HashMap<String, u32>,
}

impl Names {
    /// A name that is not to be given.
    pub(super) fn reserve(&mut self, name: String) {
        self.taken.insert(name);
    }

    /// This name, or one like it that is free.
    pub(super) fn give(&mut self, name: &str) -> String {
        let name = fitted(name);
        if self.taken.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let suffix = format!("_{next}");
            *next += 1;
            let given = format!("{}{suffix}", cut(&name, LONGEST - suffix.len()));
            if self.taken.insert(given.clone()) {
                return given;
            }
        }
    }
}

/// The name of a namespace's tool on its own, not made sure to be free.
pub(super) fn flat(namespace: &str, name: &str) -> String {
    let between = if namespace.ends_with("__") { "" } else { "__" };
    fitted(&format!("{namespace}{between}{name}"))
}

/// A name that is not too long. What is cut off it is told apart by a hash.
fn fitted(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    // FNV-1a: the same in every process, since clients send the name back in their history.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{}_{hash:08x}", cut(name, LONGEST - 9))
}

fn cut(name: &str, mut at: usize) -> &str {
    while !name.is_char_boundary(at.min(name.len())) {
        at -= 1;
    }
    &name[..at.min(name.len())]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_free_and_fit() {
        let mut names = Names::default();
        names.reserve("patch".to_owned());
        names.reserve("patch_2".to_owned());
        assert_eq!(names.give("patch"), "patch_3");
        assert_eq!(names.give("patch"), "patch_4");
        assert_eq!(names.give("other"), "other");
        let long = "n".repeat(200);
        let given: HashSet<String> = (0..200)
            .map(|n| names.give(&format!("{long}{}", n % 2)))
            .collect();
        assert_eq!(given.len(), 200);
        assert!(given.iter().all(|name| name.len() <= LONGEST), "{given:?}");
        assert_eq!(flat("mcp__files", "read"), "mcp__files__read");
        assert_eq!(flat("mcp__files__", "read"), "mcp__files__read");
        assert_eq!(flat(&"é".repeat(60), "a").len(), LONGEST - 1);
        assert_ne!(flat(&long, "a"), flat(&long, "b"));
    }
}
