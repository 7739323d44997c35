//! Medians, and tables in Markdown.

/// The middle one of some numbers; not a number where there is none.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => (sorted[length / 2 - 1] + sorted[length / 2]) / 2.0,
    }
}

/// The median of one figure of many things.
pub(crate) fn median_of<T>(things: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    median(&things.iter().map(figure).collect::<Vec<_>>())
}

/// Prints the head of a table.
pub(crate) fn head(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---:|".repeat(columns.len()));
}

/// Prints a row of a table.
pub(crate) fn row<S: AsRef<str>>(cells: &[S]) {
    println!("| {} |", cells.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" | "));
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as megabytes of a million.
pub(crate) fn megabytes(bytes: f64) -> String {
    format!("{:.0}", bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found_and_thousands_are_set_apart() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(100.0), "100");
    }
}
