//! Where the nodes of a small directed graph stand: in columns, each right of what leads to it.

/// A node's place: column and row, from 0.
pub type Cell = (u32, u32);

/// Lays out `nodes` nodes from the first one on: a node stands one column right of the last node that leads to it,
/// edges back to where one came from aside. What cannot be reached follows at the end.
pub fn layered(nodes: usize, edges: &[(usize, usize)]) -> Vec<Cell> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to) in edges.iter().filter(|(from, to)| from != to && *from < nodes && *to < nodes) {
        if !next[*from].contains(to) {
            next[*from].push(*to);
        }
    }
    let order = forward(&next);
    let mut place = vec![0_usize; nodes];
    for (at, node) in order.iter().enumerate() {
        place[*node] = at;
    }
    let mut column = vec![0_u32; nodes];
    for node in &order {
        for to in next[*node].iter().filter(|to| place[**to] > place[*node]) {
            column[*to] = column[*to].max(column[*node] + 1);
        }
    }
    let mut rows: Vec<u32> = Vec::new();
    let mut cells = vec![(0, 0); nodes];
    for node in order {
        let at = column[node] as usize;
        if rows.len() <= at {
            rows.resize(at + 1, 0);
        }
        cells[node] = (column[node], rows[at]);
        rows[at] += 1;
    }
    cells
}

/// The nodes in an order in which every edge leads forward, except those that close a circle.
fn forward(next: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; next.len()];
    let mut done = Vec::with_capacity(next.len());
    for root in 0..next.len() {
        if seen[root] {
            continue;
        }
        seen[root] = true;
        // A stack of its own: the depth of a person's graph is not ours to trust.
        let mut path = vec![(root, 0_usize)];
        while let Some((node, at)) = path.last_mut() {
            match next[*node].get(*at) {
                Some(to) => {
                    *at += 1;
                    let to = *to;
                    if !seen[to] {
                        seen[to] = true;
                        path.push((to, 0));
                    }
                }
                None => {
                    done.push(*node);
                    path.pop();
                }
            }
        }
    }
    // Roots were tried in order, so that the first one's part has to come first.
    done.reverse();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_reads_from_left_to_right() {
        // created, picking, under way, delivered, cancelled
        let edges = [(0, 1), (0, 4), (1, 2), (1, 4), (2, 3)];
        let cells = layered(5, &edges);
        assert_eq!(cells.iter().map(|cell| cell.0).collect::<Vec<_>>(), [0, 1, 2, 3, 2]);
        for (from, to) in edges {
            assert!(cells[from].0 < cells[to].0);
        }
    }

    #[test]
    fn circles_end_and_no_two_nodes_share_a_place() {
        let edges = [(0, 1), (1, 2), (2, 0), (2, 1), (3, 3), (9, 0)];
        let cells = layered(4, &edges);
        assert_eq!(&cells[..3], [(0, cells[0].1), (1, 0), (2, 0)]);
        let mut places = cells.clone();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 4);
        assert_eq!(layered(0, &[]), []);
    }
}
