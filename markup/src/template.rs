//! The part of an element that never changes, as HTML, and the way to the nodes that change.

/// Elements without an end tag.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Elements that are part of a drawing: a template that begins with one is parsed as SVG.
const DRAWN: &[&str] = &[
    "circle",
    "defs",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "marker",
    "path",
    "polygon",
    "polyline",
    "rect",
    "stop",
    "text",
    "tspan",
];

/// Where a new node goes, seen from the node that was written last.
#[derive(Clone, Copy)]
enum Next {
    Child,
    Sibling,
}

/// HTML in the making.
pub(crate) struct Template {
    pub(crate) html: String,
    /// How to walk: `d` to the first child, `n` to the next sibling, `u` to the parent, `x` where a part applies.
    pub(crate) steps: String,
    next: Option<Next>,
    /// Two texts in a row are one node.
    after_text: bool,
}

impl Template {
    pub(crate) fn new() -> Self {
        Self { html: String::new(), steps: String::new(), next: None, after_text: false }
    }

    /// Opens a tag; attributes follow, then [`Self::content`].
    pub(crate) fn open(&mut self, tag: &str) {
        self.step();
        self.html.push('<');
        self.html.push_str(tag);
    }

    pub(crate) fn attribute(&mut self, name: &str, value: &str) {
        self.html.push(' ');
        self.html.push_str(name);
        if !value.is_empty() {
            self.html.push_str("=\"");
            self.html.push_str(&value.replace('&', "&amp;").replace('"', "&quot;"));
            self.html.push('"');
        }
    }

    /// A part applies to the node that was opened last, or closed last.
    pub(crate) fn part(&mut self) {
        self.steps.push('x');
    }

    pub(crate) fn content(&mut self) {
        self.html.push('>');
        self.next = Some(Next::Child);
        self.after_text = false;
    }

    pub(crate) fn close(&mut self, tag: &str) {
        // Nothing was in it: the walk is still at the element itself.
        if !matches!(self.next, Some(Next::Child)) {
            self.steps.push('u');
        }
        if !VOID.contains(&tag) {
            self.html.push_str("</");
            self.html.push_str(tag);
            self.html.push('>');
        }
        self.next = Some(Next::Sibling);
        self.after_text = false;
    }

    pub(crate) fn text(&mut self, text: &str) {
        if !self.after_text {
            self.step();
            self.next = Some(Next::Sibling);
        }
        self.html.push_str(&text.replace('&', "&amp;").replace('<', "&lt;"));
        self.after_text = true;
    }

    /// A place for a child that is made later.
    pub(crate) fn place(&mut self) {
        self.step();
        self.html.push_str("<!>");
        self.part();
        self.next = Some(Next::Sibling);
        self.after_text = false;
    }

    /// The way without what leads to no part.
    pub(crate) fn way(&self) -> String {
        let mut steps = self.steps.clone();
        // Down and up again, or on and up, without a part between them.
        loop {
            let shorter = steps.replace("du", "").replace("nu", "u");
            let shorter = shorter.trim_end_matches(['d', 'n', 'u']).to_owned();
            if shorter == steps {
                return steps;
            }
            steps = shorter;
        }
    }

    fn step(&mut self) {
        match self.next {
            Some(Next::Child) => self.steps.push('d'),
            Some(Next::Sibling) => self.steps.push('n'),
            None => {}
        }
    }
}

/// Whether a template that begins with this element is parsed as SVG.
pub(crate) fn is_drawn(tag: &str) -> bool {
    DRAWN.contains(&tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_leads_to_parts_only() {
        let mut template = Template::new();
        template.open("section");
        template.attribute("class", "a \"b\" & c");
        template.content();
        template.open("p");
        template.content();
        template.text("1 < 2");
        template.text(" & so on");
        template.close("p");
        template.open("h2");
        template.content();
        template.place();
        template.close("h2");
        template.open("input");
        template.part();
        template.content();
        template.close("input");
        template.open("p");
        template.content();
        template.text("end");
        template.close("p");
        template.close("section");
        assert_eq!(
            template.html,
            "<section class=\"a &quot;b&quot; &amp; c\"><p>1 &lt; 2 &amp; so on</p><h2><!></h2><input><p>end</p></section>"
        );
        assert_eq!(template.way(), "dndxunx");
    }

    #[test]
    fn what_never_changes_has_no_way() {
        let mut template = Template::new();
        template.open("p");
        template.content();
        template.text("still");
        template.close("p");
        assert_eq!(template.way(), "");
        assert!(is_drawn("path") && !is_drawn("svg") && !is_drawn("p"));
    }
}
