package tokenizer

import "unicode/utf8"

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

// spell appends text in the byte alphabet.
func spell(to []byte, text string) []byte {
	for i := range len(text) {
		if b := text[i]; '!' <= b && b <= '~' {
			to = append(to, b)
		} else {
			to = utf8.AppendRune(to, alphabet[b])
		}
	}
	return to
}

// decodeBytes is the ByteLevel decoder. It reads each token in the byte alphabet, or as
// it stands if any of its characters is not in the alphabet, as in an added token with
// a space. Each maximal part that is not UTF-8 reads as U+FFFD.
func decodeBytes(tokens []string) []string {
	n := 0
	for _, token := range tokens {
		n += len(token)
	}
	text := make([]byte, 0, n)
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
	return []string{ValidUTF8(string(text))}
}
