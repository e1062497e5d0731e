package hf

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/filetest"
)

// What tokenizer_config.json does not mention is that of config.json; null is none.
func TestSpecialTokensOfTheConfig(t *testing.T) {
	tok, bos := filetest.BytePairs(t), int32(1)
	config := decoder.Config{BOS: &bos, EOS: 605, Pad: 605}
	first, _ := tok.Token(bos)
	last, _ := tok.Token(config.EOS)
	for _, c := range []struct {
		fields map[string]json.RawMessage
		want   map[string]string
	}{
		{nil, map[string]string{"bos_token": first, "eos_token": last, "pad_token": last}},
		{map[string]json.RawMessage{"model_max_length": []byte("9")}, map[string]string{"bos_token": first, "eos_token": last}},
		{map[string]json.RawMessage{"bos_token": []byte("null")}, map[string]string{"eos_token": last}},
	} {
		tc := TokenizerConfig{fields: c.fields}
		id, ok := tc.BOS(config, tok)
		if got := tc.specialTokens(config, tok); !maps.Equal(got, c.want) || ok != (c.want["bos_token"] != "") || ok && id != bos {
			t.Errorf("%s: %q, BOS %d %v; want %q", c.fields, got, id, ok, c.want)
		}
	}
}
