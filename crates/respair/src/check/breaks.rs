//! Who breaks on a rule, in few words: `4 of 16 clients: openai-python 3.54.0 and 2.24.0 .stream(), …`.

use respair_core::{Code, clients};

/// The sentence; `None` where none of the measured clients fails.
pub(super) fn sentence(code: Code) -> Option<String> {
    let failing = code.breaks();
    if failing.is_empty() {
        return None;
    }
    let all = clients().len();
    if failing.len() == all {
        return Some(format!("all {all} clients that were measured"));
    }
    Some(format!(
        "{} of {all} clients: {}",
        failing.len(),
        grouped(&failing)
    ))
}

/// A product, and the same product's versions and ways to call it.
struct Product<'a> {
    name: &'a str,
    versions: Vec<(&'a str, Vec<&'a str>)>,
}

/// Clients of one product together, a version's ways to call it together.
fn grouped(names: &[&str]) -> String {
    let mut products: Vec<Product<'_>> = Vec::new();
    for full in names {
        let (name, version, way) = parts(full);
        if products.last().is_none_or(|last| last.name != name) {
            products.push(Product {
                name,
                versions: Vec::new(),
            });
        }
        let Some(product) = products.last_mut() else {
            continue;
        };
        if product.versions.last().is_none_or(|last| last.0 != version) {
            product.versions.push((version, Vec::new()));
        }
        if let Some(last) = product.versions.last_mut() {
            last.1.extend(way);
        }
    }
    let products = products.iter().map(|product| {
        let versions = product
            .versions
            .iter()
            .map(|(version, ways)| match ways.len() {
                0 => (*version).to_owned(),
                _ => format!("{version} {}", ways.join(" and ")),
            });
        format!(
            "{} {}",
            product.name,
            versions.collect::<Vec<_>>().join(", ")
        )
    });
    products.collect::<Vec<_>>().join("; ")
}

/// `openai-python 3.54.0 .stream()` as its name, its version and how it is called.
fn parts(full: &str) -> (&str, &str, Option<&str>) {
    let digit = |(at, _): &(usize, char)| full[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    let Some((at, _)) = full.char_indices().filter(|(_, c)| *c == ' ').find(digit) else {
        return (full, "", None);
    };
    let (name, rest) = (&full[..at], &full[at + 1..]);
    match rest.split_once(' ') {
        Some((version, way)) => (name, version, Some(way)),
        None => (name, rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_named_once() {
        let names = [
            "openai-python 3.54.0 .stream()",
            "openai-python 3.54.0 .create()",
            "openai-python 2.24.0 .stream()",
            "Codex 0.169.0",
            "AI SDK 7.0.173",
            "AI SDK 6.0.326",
            "pydantic-ai 2.68.0 direct",
        ];
        assert_eq!(
            grouped(&names),
            "openai-python 3.54.0 .stream() and .create(), 2.24.0 .stream(); Codex 0.169.0; \
             AI SDK 7.0.173, 6.0.326; pydantic-ai 2.68.0 direct"
        );
    }
}
