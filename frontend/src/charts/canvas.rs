//! Draws a scene on a canvas. Colours come from the page's own custom properties, so that themes need no code.

use js_sys::Array;
use shared::chart::heat::SHADES;
use shared::chart::line::Point;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement};

use crate::charts::scene::{Look, Scene};
use crate::charts::spec::{ChartSpec, Content};

/// The colours of a chart, as the browser resolved them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Palette {
    lines: Vec<String>,
    shades: Vec<String>,
    surface: String,
    grid: String,
    axis: String,
    text: String,
    crosshair: String,
    mark: String,
    selection: String,
    holds: String,
    broken: String,
    font: String,
}

impl Palette {
    /// Reads the colours that hold where `probe` stands; its own colour is changed on the way and put back.
    pub(crate) fn read(probe: &HtmlElement, spec: &ChartSpec) -> Self {
        let Ok(Some(style)) = leptos::prelude::window().get_computed_style(probe) else { return Self::default() };
        let colour = |name: &str| {
            // A custom property reads back as it was written (`light-dark(...)`); a colour reads back resolved.
            let _ = probe.style().set_property("color", &format!("var({name})"));
            style.get_property_value("color").unwrap_or_default()
        };
        let palette = Self {
            lines: spec.lines.iter().map(|line| colour(line.colour)).collect(),
            shades: match spec.content {
                Content::Heat => (1..=SHADES).map(|number| colour(&format!("--heat-{number}"))).collect(),
                Content::Lines | Content::Stack => Vec::new(),
            },
            surface: colour("--surface"),
            grid: colour("--grid"),
            axis: colour("--line"),
            text: colour("--ink-3"),
            crosshair: colour("--ink-2"),
            mark: colour("--mark"),
            selection: colour("--accent"),
            holds: colour("--ink-2"),
            broken: colour("--bad"),
            font: style.get_property_value("font-family").unwrap_or_default(),
        };
        let _ = probe.style().remove_property("color");
        palette
    }
}

/// What the pointer or the arrow keys point at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pointing {
    /// The moment under the crosshair, in seconds.
    pub(crate) crosshair: Option<f64>,
    /// The stretch being selected, in seconds.
    pub(crate) selection: Option<(f64, f64)>,
}

/// Draws a chart; the canvas is given as many device pixels as it covers.
pub(crate) fn draw(
    canvas: &HtmlCanvasElement,
    spec: &ChartSpec,
    scene: &Scene,
    look: &Look,
    palette: &Palette,
    pointing: &Pointing,
) {
    let ratio = leptos::prelude::window().device_pixel_ratio().clamp(1.0, 3.0);
    let (width, height) = ((look.width * ratio).round() as u32, (look.height * ratio).round() as u32);
    if canvas.width() != width || canvas.height() != height {
        canvas.set_width(width);
        canvas.set_height(height);
    }
    let Some(context) =
        canvas.get_context("2d").ok().flatten().and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok())
    else {
        return;
    };
    let pen = Pen { context, ratio };
    let _ = pen.context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    pen.context.set_fill_style_str(&palette.surface);
    pen.context.fill_rect(0.0, 0.0, look.width, look.height);
    draw_axes(&pen, scene, palette);
    draw_blocks(&pen, spec, scene, palette);
    draw_marks(&pen, scene, palette);
    draw_lines(&pen, spec, scene, palette);
    draw_limits(&pen, scene, palette);
    draw_pointing(&pen, scene, palette, pointing);
}

/// A context with the size of a device pixel.
struct Pen {
    context: CanvasRenderingContext2d,
    ratio: f64,
}

impl Pen {
    /// The middle of the device pixel nearest to a place, so that thin lines are sharp.
    fn sharp(&self, place: f64) -> f64 {
        ((place * self.ratio).floor() + 0.5) / self.ratio
    }

    fn stroke(&self, colour: &str, width: f64) {
        self.context.set_stroke_style_str(colour);
        self.context.set_line_width(width);
        self.context.stroke();
    }

    fn horizontal(&self, y: f64, from: f64, to: f64) {
        self.context.move_to(from, self.sharp(y));
        self.context.line_to(to, self.sharp(y));
    }

    fn vertical(&self, x: f64, from: f64, to: f64) {
        self.context.move_to(self.sharp(x), from);
        self.context.line_to(self.sharp(x), to);
    }

    fn hairline(&self) -> f64 {
        1.0 / self.ratio
    }

    fn dash(&self, lengths: &[f64]) {
        let array: Array = lengths.iter().map(|length| JsValue::from_f64(*length)).collect();
        let _ = self.context.set_line_dash(&array);
    }

    /// A text that is read over lines, too: what is behind it shines less around its letters.
    fn text_over(&self, text: &str, x: f64, y: f64, surface: &str) {
        self.context.set_stroke_style_str(surface);
        self.context.set_line_width(3.0);
        self.context.set_line_join("round");
        let _ = self.context.stroke_text(text, x, y);
        self.text(text, x, y);
    }

    fn text(&self, text: &str, x: f64, y: f64) {
        let _ = self.context.fill_text(text, x, y);
    }
}

fn draw_axes(pen: &Pen, scene: &Scene, palette: &Palette) {
    let frame = &scene.frame;
    pen.context.begin_path();
    for tick in &scene.values {
        pen.horizontal(tick.place, frame.left, frame.right);
    }
    pen.stroke(&palette.grid, pen.hairline());
    pen.context.begin_path();
    pen.horizontal(frame.bottom, frame.left, frame.right);
    for tick in &scene.times {
        pen.vertical(tick.place, frame.bottom, frame.bottom + 4.0);
    }
    pen.stroke(&palette.axis, pen.hairline());

    pen.context.set_fill_style_str(&palette.text);
    pen.context.set_font(&format!("11px {}", palette.font));
    pen.context.set_text_baseline("middle");
    pen.context.set_text_align("right");
    for tick in scene.values.iter().filter(|tick| !tick.label.is_empty()) {
        pen.text(&tick.label, frame.left - 8.0, tick.place);
    }
    pen.context.set_text_align("center");
    for tick in &scene.times {
        // The last label would stick out of the canvas.
        pen.text(&tick.label, tick.place.min(frame.right - 4.0), frame.bottom + 13.0);
    }
}

fn draw_marks(pen: &Pen, scene: &Scene, palette: &Palette) {
    let frame = &scene.frame;
    if scene.marks.is_empty() {
        return;
    }
    pen.context.begin_path();
    for mark in &scene.marks {
        pen.vertical(mark.place, frame.top - 4.0, frame.bottom);
    }
    pen.dash(&[3.0, 3.0]);
    pen.stroke(&palette.mark, pen.hairline());
    pen.dash(&[]);
    pen.context.set_fill_style_str(&palette.mark);
    pen.context.set_text_baseline("alphabetic");
    let mut free_from = 0.0;
    for mark in &scene.marks {
        let half = 3.2 * mark.label.chars().count() as f64;
        let middle = mark.place.clamp(frame.left + half, (frame.right - half).max(frame.left + half));
        // Where labels would overlap, the lines alone stay; the list of changes has the words.
        if middle - half >= free_from {
            pen.text(&mark.label, middle, frame.top - 6.0);
            free_from = middle + half + 8.0;
        }
    }
}

/// A threshold is a line of short dashes with its notation at its left end.
fn draw_limits(pen: &Pen, scene: &Scene, palette: &Palette) {
    let frame = &scene.frame;
    for (tick, holds) in &scene.limits {
        let colour = if *holds { &palette.holds } else { &palette.broken };
        pen.context.begin_path();
        pen.horizontal(tick.place, frame.left, frame.right);
        pen.dash(&[2.0, 3.0]);
        pen.stroke(colour, if *holds { 1.0 } else { 1.5 });
        pen.dash(&[]);
        pen.context.set_fill_style_str(colour);
        pen.context.set_text_align("left");
        pen.context.set_text_baseline("alphabetic");
        // Close to the upper edge it stands below its line.
        let below = tick.place - frame.top < 14.0;
        pen.text_over(&tick.label, frame.left + 6.0, tick.place + if below { 12.0 } else { -4.0 }, &palette.surface);
    }
}

/// Blocks of one colour are one path: the fill style is what costs.
fn draw_blocks(pen: &Pen, spec: &ChartSpec, scene: &Scene, palette: &Palette) {
    let colours = match spec.content {
        Content::Heat => &palette.shades,
        Content::Lines | Content::Stack => &palette.lines,
    };
    for (number, colour) in colours.iter().enumerate() {
        let mut any = false;
        for block in scene.blocks.iter().filter(|block| block.colour == number) {
            if !any {
                pen.context.begin_path();
                any = true;
            }
            pen.context.rect(block.left, block.top, block.width, block.height);
        }
        if any {
            pen.context.set_fill_style_str(colour);
            pen.context.fill();
        }
    }
}

fn draw_lines(pen: &Pen, spec: &ChartSpec, scene: &Scene, palette: &Palette) {
    let frame = &scene.frame;
    pen.context.save();
    pen.context.begin_path();
    pen.context.rect(frame.left, frame.top - 1.0, frame.width(), frame.height() + 2.0);
    pen.context.clip();
    pen.context.set_line_join("round");
    pen.context.set_line_cap("round");
    for (index, lines) in &scene.lines {
        let (Some(line), Some(colour)) = (spec.lines.get(*index), palette.lines.get(*index)) else { continue };
        if line.filled {
            pen.context.set_global_alpha(0.1);
            pen.context.set_fill_style_str(colour);
            for part in lines {
                fill(pen, part, frame.bottom);
            }
            pen.context.set_global_alpha(1.0);
        }
        pen.dash(if line.dashed { &[5.0, 4.0] } else { &[] });
        pen.context.begin_path();
        for part in lines {
            trace(pen, part);
        }
        pen.stroke(colour, if line.dashed { 1.0 } else { 1.5 });
        pen.dash(&[]);
    }
    pen.context.restore();
    pen.context.set_text_align("left");
    pen.context.set_text_baseline("middle");
    for (index, (x, y)) in &scene.ends {
        if let (Some(line), Some(colour)) = (spec.lines.get(*index), palette.lines.get(*index)) {
            pen.context.set_fill_style_str(colour);
            pen.text(line.name, x + 6.0, *y);
        }
    }
}

fn trace(pen: &Pen, part: &[Point]) {
    let mut points = part.iter();
    let Some((x, y)) = points.next() else { return };
    pen.context.move_to(*x, *y);
    if part.len() == 1 {
        // One lonely value: the round cap makes it a dot.
        pen.context.line_to(*x + 0.01, *y);
    }
    for (x, y) in points {
        pen.context.line_to(*x, *y);
    }
}

fn fill(pen: &Pen, part: &[Point], floor: f64) {
    if let (Some(first), Some(last)) = (part.first(), part.last()) {
        pen.context.begin_path();
        trace(pen, part);
        pen.context.line_to(last.0, floor);
        pen.context.line_to(first.0, floor);
        pen.context.fill();
    }
}

fn draw_pointing(pen: &Pen, scene: &Scene, palette: &Palette, pointing: &Pointing) {
    let frame = &scene.frame;
    if let Some((from, to)) = pointing.selection {
        let (from, to) = (scene.x.place_inside(from), scene.x.place_inside(to));
        pen.context.set_global_alpha(0.15);
        pen.context.set_fill_style_str(&palette.selection);
        pen.context.fill_rect(from.min(to), frame.top, (to - from).abs(), frame.height());
        pen.context.set_global_alpha(1.0);
    }
    if let Some(moment) = pointing.crosshair {
        let place = scene.x.place(moment);
        if place >= frame.left && place <= frame.right {
            pen.context.begin_path();
            pen.vertical(place, frame.top, frame.bottom);
            pen.stroke(&palette.crosshair, pen.hairline());
        }
    }
}
