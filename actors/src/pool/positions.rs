//! Index of queue positions: counts the entries before an entry in O(log n).
//!
//! A binary indexed tree (P. M. Fenwick, "A new data structure for cumulative frequency tables", 1994) over a row of
//! cells. Entries are appended at its end; when the row is full, the queue rebuilds it.

/// A row of cells, each occupied or empty.
#[derive(Debug, Default)]
pub(super) struct PositionIndex {
    /// `tree[i]` counts the occupied cells of a range that ends at cell `i`.
    tree: Vec<u32>,
    /// The first cell that was never occupied.
    next: usize,
}

/// Number of cells of the smallest row.
const MIN_CAPACITY: usize = 64;

impl PositionIndex {
    /// Whether nothing can be appended.
    pub(super) fn is_full(&self) -> bool {
        self.next == self.tree.len()
    }

    /// A row whose first `taken` cells are occupied, followed by as many empty ones.
    pub(super) fn with_taken(taken: usize) -> Self {
        let tree: Vec<u32> = vec![0; (2 * taken).max(MIN_CAPACITY)];
        let mut ranks = Self { tree, next: 0 };
        for _ in 0..taken {
            ranks.push();
        }
        ranks
    }

    /// Occupies the next cell and returns its index. The row must not be full.
    pub(super) fn push(&mut self) -> usize {
        let permit = self.next;
        self.next += 1;
        self.add(permit, |count| count + 1);
        permit
    }

    /// Empties an occupied cell.
    pub(super) fn remove(&mut self, permit: usize) {
        self.add(permit, |count| count - 1);
    }

    /// Number of occupied cells before this one.
    pub(super) fn before(&self, permit: usize) -> usize {
        let (mut end, mut sum) = (permit, 0);
        while end > 0 {
            sum += self.tree[end - 1] as usize;
            end &= end - 1;
        }
        sum
    }

    fn add(&mut self, permit: usize, change: impl Fn(u32) -> u32) {
        let mut at = permit + 1;
        while let Some(count) = self.tree.get_mut(at - 1) {
            *count = change(*count);
            at += at & at.wrapping_neg();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seat_knows_how_many_are_taken_before_it() {
        let mut ranks = PositionIndex::with_taken(100);
        for permit in (0..100).step_by(3) {
            ranks.remove(permit);
        }
        let permit = ranks.push();

        let before = |permit: usize| (0..permit).filter(|permit| permit % 3 != 0).count();
        assert_eq!(permit, 100);
        assert!((0..=100).all(|permit| ranks.before(permit) == before(permit)));
    }
}
