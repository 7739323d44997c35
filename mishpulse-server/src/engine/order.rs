//! Handles in an order that is found by comparing, in chunks: a million of them are searched and changed at the cost of a few.

/// Handles in order. The order itself is the caller's: it says of each handle whether it comes before a place.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// None is empty.
    chunks: Vec<Vec<u32>>,
    len: usize,
}

/// A place in an [`Order`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    chunk: usize,
    index: usize,
}

/// The most handles of a chunk.
const CHUNK_MAX: usize = 1024;
/// A chunk with fewer is joined with its neighbour, where both have room in one.
const CHUNK_MIN: usize = 128;

impl Order {
    /// The order of `handles`, which are in it already.
    pub(super) fn of(handles: &[u32]) -> Self {
        Self { chunks: handles.chunks(CHUNK_MAX / 2).map(<[u32]>::to_vec).collect(), len: handles.len() }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The place of the first handle that `is_before` does not hold of. O(log n).
    pub(super) fn place(&self, is_before: impl Fn(u32) -> bool) -> Place {
        let chunk =
            self.chunks.partition_point(|chunk| chunk.last().is_some_and(|handle| is_before(*handle)));
        let handles = self.chunks.get(chunk).map_or(&[][..], Vec::as_slice);
        Place { chunk, index: handles.partition_point(|handle| is_before(*handle)) }
    }

    /// The handle at `place`.
    pub(super) fn at(&self, place: Place) -> Option<u32> {
        self.chunks.get(place.chunk)?.get(place.index).copied()
    }

    /// Puts `handle` before the one at `place`.
    pub(super) fn insert(&mut self, place: Place, handle: u32) {
        self.len += 1;
        let Some(last) = self.chunks.len().checked_sub(1) else {
            self.chunks.push(vec![handle]);
            return;
        };
        let at = place.chunk.min(last);
        let chunk = &mut self.chunks[at];
        let index = if place.chunk > last { chunk.len() } else { place.index };
        chunk.insert(index, handle);
        if chunk.len() > CHUNK_MAX {
            let rest = chunk.split_off(CHUNK_MAX / 2);
            self.chunks.insert(at + 1, rest);
        }
    }

    /// Takes out the handle at `place`.
    pub(super) fn remove(&mut self, place: Place) {
        let chunk = &mut self.chunks[place.chunk];
        chunk.remove(place.index);
        self.len -= 1;
        let len = chunk.len();
        if len == 0 {
            self.chunks.remove(place.chunk);
        } else if len < CHUNK_MIN && !self.join(place.chunk) && place.chunk > 0 {
            self.join(place.chunk - 1);
        }
    }

    /// Joins a chunk with the next where both are small, and says whether they were.
    fn join(&mut self, at: usize) -> bool {
        let len = self.chunks[at].len();
        let fits = self.chunks.get(at + 1).is_some_and(|next| next.len() + len <= CHUNK_MAX / 2);
        if fits {
            let next = self.chunks.remove(at + 1);
            self.chunks[at].extend(next);
        }
        fits
    }

    /// The handles from `place` on.
    pub(super) fn from(&self, place: Place) -> impl Iterator<Item = u32> {
        let mut chunks = self.chunks.get(place.chunk..).unwrap_or_default().iter();
        let first = chunks.next().and_then(|chunk| chunk.get(place.index..)).unwrap_or_default();
        first.iter().chain(chunks.flatten()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_in_order_whatever_comes_and_goes() {
        let mut order = Order::of(&(0..3000).step_by(2).collect::<Vec<u32>>());
        for odd in (1..9000).step_by(2) {
            order.insert(order.place(|handle| handle < odd), odd);
        }
        assert!(order.chunks.iter().all(|chunk| (1..=CHUNK_MAX).contains(&chunk.len())));
        for gone in (0..9000).filter(|handle| handle % 7 != 3) {
            let place = order.place(|handle| handle < gone);
            if order.at(place) == Some(gone) {
                order.remove(place);
            }
        }
        let left: Vec<u32> = (0..9000).filter(|n| n % 7 == 3 && (n % 2 == 1 || *n < 3000)).collect();
        assert_eq!(order.from(order.place(|_| false)).collect::<Vec<_>>(), left);
        assert_eq!(order.from(order.place(|handle| handle <= 10)).next(), Some(17));
        assert_eq!((order.len(), order.at(order.place(|_| true))), (left.len(), None));
        assert!(order.chunks.len() < 8, "{}", order.chunks.len());
    }
}
