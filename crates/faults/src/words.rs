//! What an answer says.

/// The text of an answer and its reasoning, delta by delta.
#[derive(Clone, Debug)]
pub struct Words {
    text: Vec<String>,
    summary: Vec<String>,
}

impl Words {
    /// These deltas; at least two of text, since scenarios break off behind the second.
    #[must_use]
    pub fn new(text: Vec<String>, summary: Vec<String>) -> Self {
        Self { text, summary }
    }

    /// The deltas of the text.
    pub fn text(&self) -> impl Iterator<Item = &str> {
        self.text.iter().map(String::as_str)
    }

    /// The deltas of the reasoning, or of its summary.
    pub fn summary(&self) -> impl Iterator<Item = &str> {
        self.summary.iter().map(String::as_str)
    }
}

/// The words of every scenario.
impl Default for Words {
    fn default() -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self::new(
            owned(&["Hello", " from", " the", " relay."]),
            owned(&["Thinking", " about", " it."]),
        )
    }
}
