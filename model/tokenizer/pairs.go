package tokenizer

import (
	"fmt"
	"sync/atomic"
	"unicode/utf8"
)

// pairs is the BPE model: the characters of each piece of the text become symbols, or
// its bytes if it is byte-level, and the two neighbours that merge first in the list of
// merges become one, the leftmost first, until no neighbours merge.
type pairs struct {
	vocab    map[string]int32
	bytes    bool             // the vocabulary is spelled in the byte alphabet
	whole    bool             // a piece that is in the vocabulary is one id, whatever the merges make of it
	fuse     bool             // unknown characters in a row are one unknown token
	unk      int32            // its id, -1 if there is none
	fallback bool             // an unknown character becomes the tokens of its bytes, if all exist
	byteIDs  [256]int32       // the ids of those tokens, <0x00> to <0xFF>, -1 for none
	symbols  [256]int32       // id of each byte if byte-level, else of each ASCII character, -1 for none
	merges   map[uint64]merge // by pair(left, right)
	proven   []atomic.Uint32  // by id, whether the merges make the text of a token that token
}

type merge struct{ rank, id int32 }

func pair(left, right int32) uint64 { return uint64(left)<<32 | uint64(right) }

// What is known of a token that the whole of a piece spells.
const (
	untried   uint32 = iota
	reached          // the merges of its text end in it alone
	unreached        // they do not
)

func (m *pairs) encode(e *encoding, text string) {
	var id int32
	var known bool
	if m.bytes {
		e.spelled = spell(e.spelled[:0], text)
		id, known = m.vocab[string(e.spelled)]
	} else {
		id, known = m.vocab[text]
	}
	if known && (m.whole || m.proven[id].Load() == reached) {
		e.ids = append(e.ids, id)
		return
	}
	m.read(e, text)
	start := len(e.ids)
	e.ids = e.piece.merge(e.ids, m.merges)
	if known && m.proven[id].Load() == untried {
		if len(e.ids) == start+1 && e.ids[start] == id {
			m.proven[id].Store(reached)
		} else {
			m.proven[id].Store(unreached)
		}
	}
}

// read makes the symbols of a piece. Characters that the vocabulary lacks become the
// tokens of their bytes or unknown tokens; without either they are left out.
func (m *pairs) read(e *encoding, text string) {
	p := &e.piece
	p.symbols, p.queue = p.symbols[:0], p.queue[:0]
	unknown := false // an unknown token is due
	for i, n := 0, 0; i < len(text); i += n {
		n = 1
		id := m.symbols[text[i]]
		if !m.bytes && text[i] >= utf8.RuneSelf {
			_, n = utf8.DecodeRuneInString(text[i:])
			var ok bool
			if id, ok = m.vocab[text[i:i+n]]; !ok {
				id = -1
			}
		}
		if id < 0 {
			if m.fall(p, text[i:i+n]) {
				continue
			}
			e.miss("%q in %q is not in the vocabulary", text[i:i+n], text)
			if m.unk < 0 {
				continue
			}
		}
		if unknown && (id >= 0 || !m.fuse) {
			p.add(m.unk)
		}
		if unknown = id < 0; !unknown {
			p.add(id)
		}
	}
	if unknown {
		p.add(m.unk)
	}
}

// fall adds the tokens of the bytes of an unknown character. An unknown token that is
// due then comes after them; the library has it so.
func (m *pairs) fall(p *piece, char string) bool {
	if !m.fallback {
		return false
	}
	if m.bytes {
		char = string(alphabet[char[0]])
	}
	for i := range len(char) {
		if m.byteIDs[char[i]] < 0 {
			return false
		}
	}
	for i := range len(char) {
		p.add(m.byteIDs[char[i]])
	}
	return true
}

func (m *pairs) admit(string) error { return nil }

// prepare fills in what follows from the vocabulary and the merges, first one first.
func (m *pairs) prepare(merges [][]string) error {
	m.proven = make([]atomic.Uint32, len(m.vocab))
	lookup := func(token string) int32 {
		if id, ok := m.vocab[token]; ok {
			return id
		}
		return -1
	}
	for b := range m.symbols {
		m.byteIDs[b] = lookup(fmt.Sprintf("<0x%02X>", b))
		if m.bytes {
			m.symbols[b] = lookup(string(alphabet[b]))
		} else {
			m.symbols[b] = lookup(string(rune(b))) // not used from 0x80 on
		}
	}
	m.merges = make(map[uint64]merge, len(merges))
	for rank, parts := range merges {
		if len(parts) != 2 {
			return fmt.Errorf("model.merges[%d]: %q is not a pair", rank, parts)
		}
		var ids [3]int32
		for i, token := range [...]string{parts[0], parts[1], parts[0] + parts[1]} {
			if ids[i] = lookup(token); ids[i] < 0 {
				return fmt.Errorf("model.merges[%d]: %q is not in model.vocab", rank, token)
			}
		}
		key := pair(ids[0], ids[1])
		if _, ok := m.merges[key]; ok {
			return fmt.Errorf("model.merges[%d]: %q is given twice", rank, parts)
		}
		m.merges[key] = merge{rank: int32(rank), id: ids[2]}
	}
	return nil
}
