package tokenizer

import (
	"fmt"
	"strings"
)

// pairs is the byte-level BPE model: the bytes of each piece of the text become
// symbols, and the two neighbours that merge first in the list of merges become
// one, the leftmost first, until no neighbours merge.
type pairs struct {
	vocab  map[string]int32
	split  splitter
	whole  bool             // a piece that is in the vocabulary is one id, whatever the merges make of it
	bytes  [256]int32       // id of each byte, -1 if the vocabulary lacks it
	merges map[uint64]merge // by pair(left, right)
}

type merge struct{ rank, id int32 }

func pair(left, right int32) uint64 { return uint64(left)<<32 | uint64(right) }

func (m *pairs) encode(ids []int32, text string) ([]int32, error) {
	var p piece
	for text != "" {
		n := m.split(text)
		head := text[:n]
		text = text[n:]
		if m.whole {
			if id, ok := m.vocab[spell(head)]; ok {
				ids = append(ids, id)
				continue
			}
		}
		p.symbols, p.queue = p.symbols[:0], p.queue[:0]
		for i := range len(head) {
			id := m.bytes[head[i]]
			if id < 0 {
				return nil, fmt.Errorf("%q has the byte %#02x, which is not in the vocabulary, and there is no unknown token", head, head[i])
			}
			p.symbols = append(p.symbols, symbol{id: id, prev: i - 1, next: i + 1})
		}
		ids = p.merge(ids, m.merges)
	}
	return ids, nil
}

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
	prev, next int   // indices, -1 before the first and len(symbols) after the last
}

// merge appends the ids that the symbols merge to.
func (p *piece) merge(ids []int32, merges map[uint64]merge) []int32 {
	for i := range p.symbols {
		p.look(i, merges)
	}
	for len(p.queue) > 0 {
		top := p.pop()
		i := int(uint32(top))
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
		if left.next < len(p.symbols) {
			p.symbols[left.next].prev = i
		}
		p.look(i, merges)
		if left.prev >= 0 {
			p.look(left.prev, merges)
		}
	}
	for i := 0; i < len(p.symbols); i = p.symbols[i].next {
		ids = append(ids, p.symbols[i].id)
	}
	return ids
}

// look finds whether symbol i merges with the next, and queues the pair if so.
func (p *piece) look(i int, merges map[uint64]merge) {
	s := &p.symbols[i]
	s.merge.id = -1
	if s.next == len(p.symbols) {
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

// The byte alphabet of GPT-2's encoder.py: bytes that Latin-1 prints stand for
// themselves, the other 68 are in order the characters from U+0100 on.
var alphabet, alphabetBytes = func() (letters [256]rune, back [0x144]int16) {
	for i := range back {
		back[i] = -1
	}
	next := rune(0x100)
	for b := range letters {
		r := rune(b)
		if r < '!' || '~' < r && r < '¡' || r == '\u00ad' {
			r = next
			next++
		}
		letters[b] = r
		back[r] = int16(b)
	}
	return letters, back
}()

// spell writes text in the byte alphabet.
func spell(text string) string {
	var b strings.Builder
	b.Grow(2 * len(text))
	for i := range len(text) {
		b.WriteRune(alphabet[text[i]])
	}
	return b.String()
}

// join reads each token in the byte alphabet, or as it stands if any of its
// characters is not in the alphabet, as in an added token with a space.
func (m *pairs) join(tokens []string) string {
	var text []byte
	for _, token := range tokens {
		start := len(text)
		for _, r := range token {
			if int(r) >= len(alphabetBytes) || alphabetBytes[r] < 0 {
				text = append(text[:start], token...)
				break
			}
			text = append(text, byte(alphabetBytes[r]))
		}
	}
	return validUTF8(string(text))
}

func (m *pairs) admit(string) error { return nil }

// newPairs builds the model from the merges in order, first one first.
func newPairs(vocab map[string]int32, merges [][]string, unk int32) (*pairs, error) {
	m := &pairs{vocab: vocab, merges: make(map[uint64]merge, len(merges))}
	for b, r := range alphabet {
		m.bytes[b] = unk
		if id, ok := vocab[string(r)]; ok {
			m.bytes[b] = id
		}
	}
	for rank, parts := range merges {
		if len(parts) != 2 {
			return nil, fmt.Errorf("model.merges[%d]: %q is not a pair", rank, parts)
		}
		var ids [3]int32
		for i, token := range [...]string{parts[0], parts[1], parts[0] + parts[1]} {
			id, ok := vocab[token]
			if !ok {
				return nil, fmt.Errorf("model.merges[%d]: %q is not in model.vocab", rank, token)
			}
			ids[i] = id
		}
		key := pair(ids[0], ids[1])
		if _, ok := m.merges[key]; ok {
			return nil, fmt.Errorf("model.merges[%d]: %q is given twice", rank, parts)
		}
		m.merges[key] = merge{rank: int32(rank), id: ids[2]}
	}
	return m, nil
}
