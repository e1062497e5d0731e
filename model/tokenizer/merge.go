package tokenizer

// A piece is merged in a list of its symbols, with a heap of the pairs that merge.
// Every merge shortens the list by one and adds at most two pairs, so n bytes take
// time n·log n whatever they are.
type piece struct {
	symbols []symbol
	queue   []uint64 // a heap, least first: the rank of a pair above the index of its left symbol
}

type symbol struct {
	id         int32
	merge      merge // with the next symbol; the id is -1 if they do not merge
	prev, next int32 // indices, -1 before the first and len(symbols) after the last
}

// add appends a symbol to the list.
func (p *piece) add(id int32) {
	n := int32(len(p.symbols))
	p.symbols = append(p.symbols, symbol{id: id, prev: n - 1, next: n + 1})
}

// merge appends the ids that the symbols merge to.
func (p *piece) merge(ids []int32, merges map[uint64]merge) []int32 {
	for i := range p.symbols {
		p.look(int32(i), merges)
	}
	for len(p.queue) > 0 {
		top := p.pop()
		i := int32(uint32(top))
		left := &p.symbols[i]
		// A pair is out of date once either symbol has merged with another: symbols
		// only grow, so the same pair never comes back at the same place.
		if left.merge.id < 0 || uint64(left.merge.rank) != top>>32 {
			continue
		}
		right := &p.symbols[left.next]
		left.id = left.merge.id
		left.next = right.next
		right.merge.id = -1
		if int(left.next) < len(p.symbols) {
			p.symbols[left.next].prev = i
		}
		p.look(i, merges)
		if left.prev >= 0 {
			p.look(left.prev, merges)
		}
	}
	for i := int32(0); int(i) < len(p.symbols); i = p.symbols[i].next {
		ids = append(ids, p.symbols[i].id)
	}
	return ids
}

// look finds whether symbol i merges with the next, and queues the pair if so.
func (p *piece) look(i int32, merges map[uint64]merge) {
	s := &p.symbols[i]
	s.merge.id = -1
	if int(s.next) == len(p.symbols) {
		return
	}
	if m, ok := merges[pair(s.id, p.symbols[s.next].id)]; ok {
		s.merge = m
		p.push(uint64(m.rank)<<32 | uint64(i))
	}
}

// push and pop are container/heap for integers, without its interface values.
func (p *piece) push(x uint64) {
	q := append(p.queue, x)
	i := len(q) - 1
	for i > 0 && q[(i-1)/2] > x {
		q[i] = q[(i-1)/2]
		i = (i - 1) / 2
	}
	q[i] = x
	p.queue = q
}

func (p *piece) pop() uint64 {
	q := p.queue
	top, last := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	p.queue = q
	if len(q) == 0 {
		return top
	}
	i := 0
	for {
		child := 2*i + 1
		if child+1 < len(q) && q[child+1] < q[child] {
			child++
		}
		if child >= len(q) || q[child] >= last {
			break
		}
		q[i] = q[child]
		i = child
	}
	q[i] = last
	return top
}
