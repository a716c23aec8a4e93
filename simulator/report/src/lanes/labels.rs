//! Places for the labels of messages, clear of boxes, lines and each other where that is possible.
//!
//! Invariant: candidates are tried in a fixed order, so the same picture has the same labels.

use analysis::tables::Tables;

use super::layout::{BlockBox, End, HALF, Line};
use crate::axis::TimeAxis;
use crate::text::{Dp, index, int, text_width};

const SIZE: Dp = 105;

/// A message's label and where it starts (baseline).
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub(super) x: Dp,
    pub(super) y: Dp,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug)]
struct Rect {
    x0: Dp,
    y0: Dp,
    x1: Dp,
    y1: Dp,
}

impl Rect {
    fn meets(&self, other: &Self) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }

    /// Whether the segment passes through the rectangle.
    fn crossed(&self, (a, b): ((Dp, Dp), (Dp, Dp))) -> bool {
        let out = |p: (Dp, Dp)| (p.0 < self.x0, p.0 > self.x1, p.1 < self.y0, p.1 > self.y1);
        let (oa, ob) = (out(a), out(b));
        if oa == (false, false, false, false) || ob == (false, false, false, false) {
            return true;
        }
        if (oa.0 && ob.0) || (oa.1 && ob.1) || (oa.2 && ob.2) || (oa.3 && ob.3) {
            return false;
        }
        // The segment crosses when the corners are not all on one side of it.
        let side = |x: Dp, y: Dp| ((b.0 - a.0) * (y - a.1) - (b.1 - a.1) * (x - a.0)).signum();
        let corners = [
            side(self.x0, self.y0),
            side(self.x1, self.y0),
            side(self.x0, self.y1),
            side(self.x1, self.y1),
        ];
        corners.iter().any(|s| *s >= 0) && corners.iter().any(|s| *s <= 0)
    }
}

/// Obstacles by cell, so that dense pictures stay fast.
struct Field {
    columns: usize,
    cells: Vec<Vec<Obstacle>>,
}

#[derive(Clone, Copy)]
enum Obstacle {
    Solid(Rect),
    Line((Dp, Dp), (Dp, Dp)),
}

const CELL: Dp = 400;

impl Field {
    fn new(width: Dp, height: Dp) -> Self {
        let columns = index(width / CELL) + 2;
        Self {
            columns,
            cells: vec![Vec::new(); columns * (index(height / CELL) + 2)],
        }
    }

    fn cells_of(&self, area: &Rect) -> Vec<usize> {
        let mut cells = Vec::new();
        for row in index(area.y0 / CELL)..=index(area.y1 / CELL) {
            for column in index(area.x0 / CELL)..=index(area.x1 / CELL) {
                let cell = row * self.columns + column;
                if column < self.columns && cell < self.cells.len() {
                    cells.push(cell);
                }
            }
        }
        cells
    }

    fn solid(&mut self, area: Rect) {
        for cell in self.cells_of(&area) {
            self.cells[cell].push(Obstacle::Solid(area));
        }
    }

    fn line(&mut self, a: (Dp, Dp), b: (Dp, Dp)) {
        let bounds = Rect {
            x0: a.0.min(b.0),
            y0: a.1.min(b.1),
            x1: a.0.max(b.0),
            y1: a.1.max(b.1),
        };
        for cell in self.cells_of(&bounds) {
            let (row, column) = (int(cell / self.columns), int(cell % self.columns));
            let square = Rect {
                x0: column * CELL,
                y0: row * CELL,
                x1: (column + 1) * CELL,
                y1: (row + 1) * CELL,
            };
            if square.crossed((a, b)) {
                self.cells[cell].push(Obstacle::Line(a, b));
            }
        }
    }

    /// How bad it is to put something there: 100 for each box or text, 10 for each line.
    fn cost(&self, area: &Rect) -> i64 {
        let mut cost = 0;
        for cell in self.cells_of(area) {
            for obstacle in &self.cells[cell] {
                cost += match obstacle {
                    Obstacle::Solid(other) if other.meets(area) => 100,
                    Obstacle::Line(a, b) if area.crossed((*a, *b)) => 10,
                    Obstacle::Solid(_) | Obstacle::Line(..) => 0,
                };
            }
        }
        cost
    }
}

/// Places the labels and tells how many found no room.
pub(super) fn place_labels(
    tables: &Tables,
    boxes: &[BlockBox],
    lines: &[Line],
    axis: &TimeAxis,
    height: Dp,
) -> (Vec<Label>, usize) {
    let right = axis.right() + 200;
    let mut field = Field::new(right, height);
    for block in boxes {
        field.solid(Rect {
            x0: block.x0 - 20,
            y0: block.y - HALF - 10,
            x1: block.x1 + 20,
            y1: block.y + HALF + 10,
        });
    }
    for line in lines {
        field.line(line.from, line.to);
        let (x, y) = line.to;
        field.solid(Rect {
            x0: x - 50,
            y0: y - 50,
            x1: x + 50,
            y1: y + 50,
        });
        match line.end {
            End::Accepted { x: end, edge } | End::Rejected { x: end, edge } => {
                field.line(line.to, (end, y));
                field.line((end, y), (end, edge));
            }
            End::Skipped { x: end } => field.line(line.to, (end, y)),
            End::Waiting => field.line(line.to, (axis.right(), y)),
            End::Flying | End::Away => {}
        }
    }
    // A cost of 100 is one line crossed, of 1,000 a box or another label.
    let most = match lines.len() {
        0..=60 => 2_000,
        61..=200 => 300,
        _ => 100,
    };
    let (mut labels, mut without) = (Vec::new(), 0);
    for line in lines.iter().filter(|line| !line.stub) {
        let text = &tables.messages[line.row].label;
        if text.is_empty() {
            continue;
        }
        let width = text_width(text, SIZE, false);
        let best = candidates(line, width)
            .into_iter()
            .enumerate()
            .filter(|(_, (x, y))| *x >= axis.left() && x + width <= right && *y >= 120)
            .map(|(order, (x, y))| {
                let area = Rect {
                    x0: x - 15,
                    y0: y - 90,
                    x1: x + width + 15,
                    y1: y + 25,
                };
                (field.cost(&area) * 10 + int(order), x, y, area)
            })
            .min_by_key(|candidate| candidate.0);
        match best {
            Some((cost, x, y, area)) if cost < most => {
                field.solid(area);
                labels.push(Label {
                    x,
                    y,
                    text: text.clone(),
                });
            }
            Some(_) | None => without += 1,
        }
    }
    (labels, without)
}

/// Along the slant on both sides, then along the wait.
fn candidates(line: &Line, width: Dp) -> Vec<(Dp, Dp)> {
    let (from, to) = (line.from, line.to);
    // How far the line rises within half the label.
    let run = (to.0 - from.0).abs().max(1);
    let rise = ((to.1 - from.1).abs() * width / 2 / run).min(400);
    let mut places = Vec::new();
    for tenth in [5, 4, 6, 3, 7, 2, 8, 9] {
        let x = from.0 + (to.0 - from.0) * tenth / 10;
        let y = from.1 + (to.1 - from.1) * tenth / 10;
        places.push((x + 70, y + 35));
        places.push((x - width - 70, y + 35));
        // Beside a shallow line there is no room, but there is above and below it.
        places.push((x - width / 2, y - 60 - rise));
        places.push((x - width / 2, y + 150 + rise));
    }
    for (x, y) in [
        (to.0 + 80, to.1 - 45),
        (to.0 + 80, to.1 + 115),
        (to.0 - width - 80, to.1 + 35),
    ] {
        places.push((x, y));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::Rect;

    #[test]
    fn segments_cross_rectangles_only_when_they_do() {
        let area = Rect {
            x0: 10,
            y0: 10,
            x1: 20,
            y1: 20,
        };
        assert!(area.crossed(((0, 0), (30, 30))));
        assert!(area.crossed(((12, 12), (100, 12))));
        assert!(area.crossed(((5, 15), (25, 16))));
        assert!(!area.crossed(((0, 15), (15, 40))));
        assert!(!area.crossed(((0, 0), (9, 30))));
    }
}
