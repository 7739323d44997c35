//! As much of Markdown as the documents use: fenced blocks, headings, links, code in a line.

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    /// What stands behind the fence, up to the first comma.
    pub language: String,
    pub text: String,
    /// The comment right before it, as `not run: needs a real Telegram`.
    pub remark: Option<String>,
}

pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut remark = None;
    let mut lines = document.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            let comment = line.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
            match comment {
                Some(comment) => remark = Some(comment.trim().to_owned()),
                None if line.trim().is_empty() => {}
                None => remark = None,
            }
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let mut text = String::new();
        for (_, line) in lines.by_ref() {
            if line.trim_start().starts_with("```") {
                break;
            }
            text.push_str(line.get(indent..).unwrap_or_default());
            text.push('\n');
        }
        let language = language.split(',').next().unwrap_or_default().trim().to_owned();
        blocks.push(Block { line: index + 1, language, text, remark: remark.take() });
    }
    blocks
}

/// The lines outside of blocks, with their numbers from 1.
pub fn prose(document: &str) -> Vec<(usize, &str)> {
    let mut is_code = false;
    let mut prose = Vec::new();
    for (index, line) in document.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            prose.push((index + 1, line));
        }
    }
    prose
}

/// The targets of links and pictures, with their lines.
pub fn links(document: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(document) {
        for start in ["](", "src=\"", "srcset=\"", "href=\""] {
            let end = if start == "](" { ')' } else { '"' };
            for rest in line.split(start).skip(1) {
                links.push((number, rest.split(end).next().unwrap_or_default().to_owned()));
            }
        }
    }
    links
}

/// The anchors of all headings, as GitHub makes them.
pub fn anchors(document: &str) -> Vec<String> {
    let headings = prose(document).into_iter().filter_map(|(_, line)| {
        let text = line.trim_start_matches('#');
        (text.len() < line.len() && text.starts_with(' ')).then_some(text)
    });
    headings
        .map(|text| {
            let lower = text.trim().to_lowercase();
            let kept = lower.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            });
            kept.collect()
        })
        .collect()
}

/// What stands in backticks outside of blocks, with its line.
pub fn codes(document: &str) -> Vec<(usize, &str)> {
    let lines = prose(document).into_iter();
    lines
        .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |code| (number, code)))
        .collect()
}
