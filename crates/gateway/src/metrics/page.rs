//! Prometheus' text format.

use std::fmt::Write as _;

use super::histogram::Histogram;

#[derive(Default)]
pub(super) struct Page(pub(super) String);

// Writing into a String does not fail.
impl Page {
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn line(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl std::fmt::Display,
    ) {
        self.0.push_str(name);
        for (n, (label, text)) in labels.iter().enumerate() {
            let open = if n == 0 { '{' } else { ',' };
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{open}{label}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        upstream: &str,
        bounds: &[f64; 11],
        histogram: &Histogram,
    ) {
        let mut sum = 0;
        let bucket = format!("{name}_bucket");
        for (bound, count) in bounds.iter().zip(histogram.counts()) {
            sum += count;
            self.line(
                &bucket,
                &[("upstream", upstream), ("le", &bound.to_string())],
                sum,
            );
        }
        sum += histogram.counts()[bounds.len()];
        self.line(&bucket, &[("upstream", upstream), ("le", "+Inf")], sum);
        self.line(
            &format!("{name}_sum"),
            &[("upstream", upstream)],
            histogram.sum(),
        );
        self.line(&format!("{name}_count"), &[("upstream", upstream)], sum);
    }
}
