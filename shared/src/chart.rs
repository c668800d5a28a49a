//! Pure geometry of charts: scales, ticks, lines thinned to the pixels there are, and the frame around them.
//!
//! The panel draws it on a canvas, the report as SVG; nothing here knows of either, of colours or of fonts.

pub mod frame;
pub mod graph;
pub mod heat;
pub mod line;
pub mod scale;
pub mod ticks;
