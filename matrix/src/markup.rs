//! Elements of HTML, SVG and XML as values. Names are ours and fixed; whatever comes from elsewhere is an attribute's value or
//! text, and is escaped when it is written, so that no name of an arm can become markup.
//!
//! What it writes is well-formed XML and valid HTML at the same time; it knows nothing of either vocabulary beyond that.

use std::fmt;

/// HTML has no end tag for these, and XML none for an element without content.
const WITHOUT_CONTENT: [&str; 3] = ["br", "col", "meta"];

/// An element with its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Element(Element),
    Text(String),
    /// A style sheet of ours, which HTML reads without entities.
    Style(&'static str),
}

/// An element without attributes and content.
#[must_use]
pub fn element(name: &'static str) -> Element {
    Element {
        name,
        attributes: Vec::new(),
        content: Vec::new(),
    }
}

/// A style sheet; the text must not hold `</style`.
#[must_use]
pub fn style(text: &'static str) -> Element {
    let mut style = element("style");
    style.content.push(Node::Style(text));
    style
}

impl Element {
    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Element {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// With text behind what it holds already.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Element {
        self.content.push(Node::Text(text.into()));
        self
    }

    /// With an element behind what it holds already.
    #[must_use]
    pub fn child(mut self, child: Element) -> Element {
        self.content.push(Node::Element(child));
        self
    }

    /// With elements behind what it holds already.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.content.extend(children.into_iter().map(Node::Element));
        self
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.content.is_empty()
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"{}\"", Escaped(value))?;
        }
        if WITHOUT_CONTENT.contains(&self.name) {
            return out.write_str("/>");
        }
        out.write_str(">")?;
        for node in &self.content {
            match node {
                Node::Element(element) => write!(out, "{element}")?,
                Node::Text(text) => write!(out, "{}", Escaped(text))?,
                Node::Style(text) => out.write_str(text)?,
            }
        }
        write!(out, "</{}>", self.name)
    }
}

/// Text in which nothing is markup. XML 1.0 §2.2 knows no other control characters than these three.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0.chars().try_for_each(|letter| match letter {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\t' | '\n' | '\r' => out.write_char(letter),
            '\u{fffe}' | '\u{ffff}' => out.write_char('\u{fffd}'),
            control if control.is_control() => out.write_char('\u{fffd}'),
            other => out.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let evil = "a<script>&\"'\u{0}\u{ffff}";
        let written = element("td").with("title", evil).text(evil).to_string();
        let harmless = "a&lt;script&gt;&amp;&quot;'\u{fffd}\u{fffd}";
        assert_eq!(written, format!("<td title=\"{harmless}\">{harmless}</td>"));
    }

    #[test]
    fn only_what_html_leaves_open_is_closed_in_its_own_tag() {
        let written = element("p")
            .child(element("br"))
            .child(element("b"))
            .to_string();
        assert_eq!(written, "<p><br/><b></b></p>");
    }
}
