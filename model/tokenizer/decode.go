package tokenizer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A decoder is one step from tokens to text. The text is the result of the last step, joined.
type decoder func(tokens []string) []string

// readDecoder reads the decoder of a tokenizer.json. Without one, tokens are joined by spaces.
func readDecoder(path string, data json.RawMessage) (decoder, error) {
	if isNull(data) {
		return func(tokens []string) []string { return []string{strings.Join(tokens, " ")} }, nil
	}
	name, err := typeOf(path, data)
	if err != nil {
		return nil, err
	}
	switch name {
	case "ByteLevel":
		_, err := byteLevelShape.read(path, data)
		return decodeBytes, err
	case "ByteFallback":
		_, err := byteFallbackShape.read(path, data)
		return decodeFallback, err
	case "Fuse":
		_, err := fuseShape.read(path, data)
		return func(tokens []string) []string { return []string{strings.Join(tokens, "")} }, err
	case "Replace":
		replace, err := readReplace(path, data)
		return eachToken(replace), err
	case "Strip":
		strip, err := readStrip(path, data)
		return eachToken(strip), err
	case "Metaspace":
		mark, scheme, _, err := metaspace(path, data)
		return func(tokens []string) []string {
			out := make([]string, len(tokens))
			for i, token := range tokens {
				space := " "
				if i == 0 && scheme != "never" {
					space = ""
				}
				out[i] = strings.ReplaceAll(token, mark, space)
			}
			return out
		}, err
	case "Sequence":
		return readDecoders(path, data)
	}
	return nil, unsupported(path+".type", []byte(quote(name)))
}

func readDecoders(path string, data json.RawMessage) (decoder, error) {
	fields, err := decodersShape.read(path, data)
	if err != nil {
		return nil, err
	}
	var steps []json.RawMessage
	if err := decode(path+".decoders", fields["decoders"], &steps); err != nil {
		return nil, err
	}
	all := make([]decoder, len(steps))
	for i, step := range steps {
		at := fmt.Sprintf("%s.decoders[%d]", path, i)
		if isNull(step) {
			return nil, unsupported(at, step)
		}
		if all[i], err = readDecoder(at, step); err != nil {
			return nil, err
		}
	}
	return func(tokens []string) []string {
		for _, d := range all {
			tokens = d(tokens)
		}
		return tokens
	}, nil
}

func eachToken(f func(string) string) decoder {
	return func(tokens []string) []string {
		out := make([]string, len(tokens))
		for i, token := range tokens {
			out[i] = f(token)
		}
		return out
	}
}

// readStrip reads the decoder that takes at most so many characters off each end.
func readStrip(path string, data json.RawMessage) (func(string) string, error) {
	fields, err := stripShape.read(path, data)
	if err != nil {
		return nil, err
	}
	var content string
	var start, stop uint
	for name, to := range map[string]any{"content": &content, "start": &start, "stop": &stop} {
		if err := decode(path+"."+name, fields[name], to); err != nil {
			return nil, err
		}
	}
	if utf8.RuneCountInString(content) != 1 {
		return nil, unsupported(path+".content", fields["content"])
	}
	return func(token string) string {
		for range start {
			rest, ok := strings.CutPrefix(token, content)
			if !ok {
				break
			}
			token = rest
		}
		for range stop {
			rest, ok := strings.CutSuffix(token, content)
			if !ok {
				break
			}
			token = rest
		}
		return token
	}, nil
}

// decodeFallback reads the bytes that tokens such as <0xE2> stand for. A run of them
// that is not UTF-8 as a whole becomes one U+FFFD a byte.
func decodeFallback(tokens []string) []string {
	var out []string
	var bytes []byte
	flush := func() {
		if utf8.Valid(bytes) {
			out = append(out, string(bytes))
		} else {
			out = append(out, strings.Repeat("\ufffd", len(bytes)))
		}
		bytes = bytes[:0]
	}
	for _, token := range tokens {
		if b, ok := byteToken(token); ok {
			bytes = append(bytes, b)
			continue
		}
		if len(bytes) > 0 {
			flush()
		}
		out = append(out, token)
	}
	if len(bytes) > 0 {
		flush()
	}
	return out
}

// byteToken reads <0xE2> as the library does, which takes <0x+2> as well.
func byteToken(token string) (byte, bool) {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(strings.TrimPrefix(token[3:5], "+"), 16, 8)
	return byte(b), err == nil
}
