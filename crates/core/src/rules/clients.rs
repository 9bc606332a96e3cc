//! The real clients that were measured, and their names in a sentence.

/// The clients, in the order of the marks in a row.
pub(super) const CLIENTS: [&str; 16] = [
    "openai-python 3.54.0 .stream()",
    "openai-python 3.54.0 .create()",
    "openai-python 2.24.0 .stream()",
    "openai-python 2.24.0 .create()",
    "openai-node 7.57.0 .stream()",
    "openai-node 7.57.0 .create()",
    "openai-node 6.49.0 .stream()",
    "openai-node 6.49.0 .create()",
    "Codex 0.169.0",
    "openai-agents 0.24.0",
    "AI SDK 7.0.173",
    "AI SDK 6.0.326",
    "langchain-openai 1.7.3",
    "pydantic-ai 2.68.0 direct",
    "pydantic-ai 2.68.0 Agent",
    "LiteLLM 1.106.2",
];

/// The clients that were measured.
#[must_use]
pub fn clients() -> &'static [&'static str] {
    &CLIENTS
}

/// A product, and the same product's versions and ways to call it.
struct Product<'a> {
    name: &'a str,
    versions: Vec<(&'a str, Vec<&'a str>)>,
}

/// Names of [`clients`] in few words: those of one product together, a version's ways to call it together.
///
/// ```
/// let names = ["openai-python 3.54.0 .stream()", "openai-python 3.54.0 .create()", "Codex 0.169.0"];
/// assert_eq!(respair_core::grouped(&names), "openai-python 3.54.0 .stream() and .create(); Codex 0.169.0");
/// ```
#[must_use]
pub fn grouped(names: &[&str]) -> String {
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
