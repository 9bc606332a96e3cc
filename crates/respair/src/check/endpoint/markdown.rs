//! The report as something to paste into an issue tracker.

use super::super::markdown::{code_span, finding, plain};
use super::listed;
use super::probed::{Checked, Found};
use super::terminal::spell;

/// Everything about this endpoint.
pub(super) fn text(checked: &Checked) -> String {
    let endpoint = code_span(&checked.endpoint);
    let profile = checked.profile.name();
    let says = match checked.conforming() {
        Some(true) => format!("conforms to `{profile}`"),
        Some(false) => format!("does not conform to `{profile}`"),
        None => "could not be checked in full".to_owned(),
    };
    let mut out = format!(
        "## {endpoint} {says}\n\nModel {}, {} requests: {}.\n",
        code_span(&checked.model),
        checked.probed.len(),
        checked.tally()
    );
    if !checked.left_out.is_empty() {
        let names: Vec<&str> = checked.left_out.iter().map(|probe| probe.name()).collect();
        out.push_str(&format!("Not asked: {}.\n", listed(&names)));
    }
    out.push_str(
        "\n| probe | HTTP | first byte | total | verdict | |\n|---|---|---|---|---|---|\n",
    );
    for probed in &checked.probed {
        let timing = &probed.answer.timing;
        let status = probed.answer.head.as_ref();
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            probed.probe(),
            status.map_or("–".to_owned(), |head| head.status.to_string()),
            timing.first_byte.map_or("–".to_owned(), spell),
            spell(timing.total),
            probed.verdict(),
            plain(&probed.says)
        ));
    }
    for found in checked.found() {
        out.push('\n');
        out.push_str(&section(&found));
    }
    out.push_str(concat!(
        "\n<sub>Asked and judged by respair ",
        env!("CARGO_PKG_VERSION"),
        ", `respair check --format markdown`.</sub>\n"
    ));
    out
}

fn section(found: &Found<'_>) -> String {
    let probes = listed(&found.probes);
    if let Some(group) = found.group {
        return format!("{}- **Probes:** {probes}\n", finding(group));
    }
    let rule = found.rule;
    let word = if found.is_violation { "" } else { " (info)" };
    format!(
        "### `{}`{word}\n\n{}\n\n- **Demanded:** {}\n- **Suggested change:** {}\n- **Probes:** {probes}\n",
        rule.code,
        plain(found.message),
        rule.demands,
        rule.advice
    )
}
