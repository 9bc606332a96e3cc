//! The tools that most work needs.
