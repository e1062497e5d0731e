package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An addedToken is an entry of added_tokens in tokenizer.json: a token that is cut out of the
// text before the model gets the rest.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not inside a longer word
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`      // and after it
	Normalized bool   `json:"normalized"`  // found in the text as normalized, not as it came
	Special    bool   `json:"special"`
}

// A finder finds added tokens. It is a trie over their bytes: node 0 is the root, whose
// children stand in an array; those of another node are a linked list.
type finder struct {
	added []addedToken
	first [256]int32 // node of each first byte, 0 for none
	nodes []finderNode
}

type finderNode struct {
	label          byte
	child, sibling int32 // nodes, 0 for none
	token          int32 // index in added plus 1, 0 if no token ends here
}

// put adds a token, which is found where the text reads content.
func (f *finder) put(content string, a addedToken) {
	if f.nodes == nil {
		f.nodes = make([]finderNode, 1)
	}
	node := int32(0)
	for i := range len(content) {
		next := f.child(node, content[i])
		if next == 0 {
			next = int32(len(f.nodes))
			f.nodes = append(f.nodes, finderNode{label: content[i], sibling: f.nodes[node].child})
			if node == 0 {
				f.first[content[i]] = next
			} else {
				f.nodes[node].child = next
			}
		}
		node = next
	}
	f.added = append(f.added, a)
	f.nodes[node].token = int32(len(f.added))
}

func (f *finder) child(node int32, label byte) int32 {
	if node == 0 {
		return f.first[label]
	}
	for node = f.nodes[node].child; node != 0 && f.nodes[node].label != label; {
		node = f.nodes[node].sibling
	}
	return node
}

// at returns the longest token that text starts with, and its length there, or 0.
func (f *finder) at(text string) (a addedToken, n int) {
	node := int32(0)
	for i := range len(text) {
		if node = f.child(node, text[i]); node == 0 {
			break
		}
		if t := f.nodes[node].token; t != 0 {
			a, n = f.added[t-1], i+1
		}
	}
	return a, n
}

// cut yields the text in order: added tokens with their id, and the text between them with id
// -1. The leftmost token wins, and of those that start there the longest. The search continues
// after it, also where the token is refused because it is part of a word.
func (f *finder) cut(text string) iter.Seq2[string, int32] {
	return func(yield func(string, int32) bool) {
		start := 0
		for i := 0; i < len(text); {
			if f.first[text[i]] == 0 {
				i++
				continue
			}
			a, n := f.at(text[i:])
			if n == 0 {
				i++
				continue
			}
			from, to := i, i+n
			i = to
			if a.SingleWord && (endsInWord(text[:from]) || startsWithWord(text[to:])) {
				continue
			}
			if a.LStrip {
				from = max(start, len(strings.TrimRightFunc(text[:from], unicode.IsSpace)))
			}
			if a.RStrip {
				to = len(text) - len(strings.TrimLeftFunc(text[to:], unicode.IsSpace))
			}
			if start < from && !yield(text[start:from], -1) || !yield(text[from:to], a.ID) {
				return
			}
			start = to
		}
		if start < len(text) {
			yield(text[start:], -1)
		}
	}
}

func endsInWord(text string) bool {
	r, n := utf8.DecodeLastRuneInString(text)
	return n > 0 && inWord(r)
}

func startsWithWord(text string) bool {
	r, n := utf8.DecodeRuneInString(text)
	return n > 0 && inWord(r)
}
