package clean

import (
	"hash/fnv"
	"strings"
	"unicode"
)

// words splits a question into the words that are compared.
func words(text string) []string {
	var list []string
	runes := []rune(strings.ToLower(text))
	for i := 0; i < len(runes); {
		j := i + 1
		switch r := runes[i]; {
		case unicode.IsLetter(r):
			for j < len(runes) && (unicode.IsLetter(runes[j]) || unicode.IsMark(runes[j])) {
				j++
			}
		case unicode.IsDigit(r):
			// 1,000 and 3.5 are numbers; the comma of the first is not kept.
			within := func(j int) bool { // the number goes on behind this sign
				return (runes[j] == ',' || runes[j] == '.') && j+1 < len(runes) && unicode.IsDigit(runes[j+1])
			}
			for j < len(runes) && (unicode.IsDigit(runes[j]) || within(j)) {
				j++
			}
			list = append(list, strings.ReplaceAll(string(runes[i:j]), ",", ""))
			i = j
			continue
		case unicode.IsSpace(r), strings.ContainsRune(".,;:!?'\"`´‘’“”$\\{}~", r), unicode.IsControl(r):
			i = j
			continue
		}
		list = append(list, string(runes[i:j]))
		i = j
	}
	return list
}

// numbers joins the words that are numbers.
func numbers(ws []string) string {
	var b strings.Builder
	for _, w := range ws {
		if w[0] >= '0' && w[0] <= '9' {
			b.WriteString(w)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// grams hashes every run of n words; a text of fewer words is one run.
func grams(ws []string, n int) []uint64 {
	if len(ws) == 0 {
		return nil
	}
	n = min(n, len(ws))
	list := make([]uint64, 0, len(ws)-n+1)
	for i := range len(ws) - n + 1 {
		h := uint64(n)
		for _, w := range ws[i : i+n] {
			h = mix(h ^ hash(w))
		}
		list = append(list, h)
	}
	return list
}

// hash computes FNV-1a. It is the same in every process, since a run that goes on has to
// drop the same problems.
func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// mix applies the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
