//! Plots as SVG: panels of lines, side by side, that can be read on light pages and on dark ones.

use std::fmt::Write as _;
use std::path::Path;

use super::Result;

/// One plot of a picture.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) lines: Vec<Line>,
}

/// How the horizontal axis goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Axis {
    /// Powers of ten.
    Log(&'static str),
    /// From 0.
    Linear(&'static str),
}

/// One line, by its points.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Writes `panels` to the file `name` in `folder`.
pub(crate) fn save(folder: &Path, name: &str, panels: &[Panel]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(name);
    std::fs::write(&path, draw(panels))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 250.0;
/// The plot within a panel.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 340.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 190.0;
const COLUMNS: usize = 2;
/// They stand out from white and from black.
const COLOURS: [&str; 4] = ["#2f81f7", "#bf8700", "#2da44e", "#cf5b9a"];
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600}\
    .grid{stroke:#8b949e;stroke-opacity:.3}.line{fill:none;stroke-width:2}\
    @media(prefers-color-scheme:dark){text{fill:#9da7b3}}";

/// The picture.
pub(crate) fn draw(panels: &[Panel]) -> String {
    let columns = panels.len().clamp(1, COLUMNS);
    let (width, height) = (WIDTH * columns as f64, HEIGHT * panels.len().div_ceil(columns) as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<style>{STYLE}</style>\n"
    );
    for (place, panel) in panels.iter().enumerate() {
        let (x, y) = (WIDTH * (place % columns) as f64, HEIGHT * (place / columns) as f64);
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel.draw(&mut svg);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel {
    fn draw(&self, svg: &mut String) {
        let highest = self.points().map(|(_, y)| y).fold(0.0, f64::max);
        let (step, top) = ticks(highest);
        let y_of = |y: f64| BOTTOM - (BOTTOM - TOP) * y / top;
        text(svg, LEFT, 18.0, "start", "title", &self.title);
        let mut y = 0.0;
        while y <= top * 1.001 {
            let at = y_of(y);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
            );
            text(svg, LEFT - 6.0, at + 4.0, "end", "", &short(y));
            y += step;
        }
        let x_of = self.x_axis(svg);
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let points: Vec<String> =
                line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", x_of(*x), y_of(*y))).collect();
            let _ = writeln!(
                svg,
                "<polyline class=\"line\" stroke=\"{colour}\" points=\"{}\"/>",
                points.join(" ")
            );
            if line.points.len() < 20 {
                for (x, y) in &line.points {
                    let (x, y) = (x_of(*x), y_of(*y));
                    let _ = writeln!(svg, "<circle fill=\"{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
                }
            }
        }
        self.legend(svg);
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.lines.iter().flat_map(|line| line.points.iter().copied())
    }

    /// Draws the axis, and says where on it something is.
    fn x_axis(&self, svg: &mut String) -> impl Fn(f64) -> f64 + use<> {
        let (label, is_log) = match self.x {
            Axis::Log(label) => (label, true),
            Axis::Linear(label) => (label, false),
        };
        let scale = move |x: f64| if is_log { x.log10() } else { x };
        let lowest = self.points().map(|(x, _)| scale(x)).fold(f64::INFINITY, f64::min);
        let from = if is_log { lowest } else { 0.0 };
        let until = self.points().map(|(x, _)| scale(x)).fold(from, f64::max);
        let room = if until > from { until - from } else { 1.0 };
        let x_of = move |x: f64| LEFT + 8.0 + (RIGHT - LEFT - 16.0) * (scale(x) - from) / room;
        let mut marks: Vec<f64> = match is_log {
            true => self.points().map(|(x, _)| x).collect(),
            false => {
                let (step, _) = ticks(until);
                (0..=(until / step) as u32).map(|turn| f64::from(turn) * step).collect()
            }
        };
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        for mark in marks {
            text(svg, x_of(mark), BOTTOM + 16.0, "middle", "", &short(mark));
        }
        text(svg, (LEFT + RIGHT) / 2.0, BOTTOM + 32.0, "middle", "", label);
        x_of
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            if line.name.is_empty() {
                continue;
            }
            let y = BOTTOM + 50.0;
            let _ = writeln!(
                svg,
                "<rect fill=\"{colour}\" x=\"{x}\" y=\"{:.0}\" width=\"10\" height=\"3\"/>",
                y - 5.0
            );
            text(svg, x + 14.0, y, "start", "", &line.name);
            x += 26.0 + 6.3 * line.name.chars().count() as f64;
        }
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    );
}

/// The distance of marks on an axis from 0 to `highest`, and where it ends.
fn ticks(highest: f64) -> (f64, f64) {
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let rough = highest / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|nice| nice * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    (step, (highest / step).ceil() * step)
}

/// A number for an axis.
fn short(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{} M", trimmed(number / 1e6)),
        number if number >= 1e3 => format!("{} k", trimmed(number / 1e3)),
        number => trimmed(number),
    }
}

fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_cover_all() {
        assert_eq!(ticks(1.0), (0.2, 1.0));
        assert_eq!(ticks(93.0), (20.0, 100.0));
        assert_eq!(ticks(0.0), (0.2, 1.0));
        assert_eq!(
            (short(1_000_000.0), short(2500.0), short(0.25)),
            ("1 M".into(), "2.5 k".into(), "0.25".into())
        );
    }

    #[test]
    fn each_line_is_drawn_and_words_are_escaped() {
        let line = |name: &str| Line { name: name.into(), points: vec![(1e3, 1.0), (1e6, 2.0)] };
        let panel =
            Panel { title: "a < b".into(), x: Axis::Log("services"), lines: vec![line("x"), line("y")] };
        let svg = draw(&[panel]);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("a &lt; b"));
        assert!(!svg.contains("NaN"));
    }
}
