package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/gguf"
	"github.com/satori-go/satori/model/internal/device"
	"github.com/satori-go/satori/model/network"
)

// fileTypes has llama.cpp's numbers for the type of most of a file's tensors.
var fileTypes = map[gguf.Type]uint32{gguf.F32: 0, gguf.F16: 1, gguf.Q8_0: 7}

// Save writes a model as a GGUF file, with matrices as F32, F16 or Q8_0 (about 4, 2 and 1.06
// bytes a weight) and everything else as F32. A matrix whose rows do not fill whole blocks of 32
// is written as F16 instead of Q8_0, as llama.cpp's own tools do. The file appears whole or not
// at all. An adapter is merged into the weights.
//
// llama.cpp has to know the decoder and how the tokenizer cuts a text. A model of model_type
// satori, a tokenizer of words and a scalar head are errors. A tokenizer of SentencePiece's kind
// (Llama 2, Mistral) is written with scores in place of merges, and is an error where no scores
// give the same ids.
func Save(path string, m Model, matrices gguf.Type) error {
	if err := save(path, m, matrices); err != nil {
		return fmt.Errorf("convert: save %s: %w", path, err)
	}
	return nil
}

func save(path string, m Model, matrices gguf.Type) error {
	fileType, ok := fileTypes[matrices]
	if !ok {
		return fmt.Errorf("%v is not written (F32, F16, Q8_0)", matrices)
	}
	if m.Net.Config.LoRA.On() {
		merged, err := m.Net.Merge()
		if err != nil {
			return err
		}
		defer merged.Close()
		m.Net = merged
	}
	metadata, err := m.metadata()
	if err != nil {
		return err
	}
	metadata["general.file_type"] = fileType
	if matrices == gguf.Q8_0 {
		metadata["general.quantization_version"] = uint32(2) // of ggml's blocks
	}
	return rundir.WriteFile(path, func(w io.Writer) error { return gguf.Write(w, metadata, sources(m.Net, matrices)) })
}

// sources lists the weights under llama.cpp's names, with rows in its order.
func sources(n *network.Net, matrices gguf.Type) []gguf.Source {
	var list []gguf.Source
	for i, s := range n.Specs() {
		kind := gguf.F32
		if len(s.Dims) > 1 {
			kind = matrices
			if kind == gguf.Q8_0 && s.Dims[1]%32 != 0 {
				kind = gguf.F16
			}
		}
		list = append(list, gguf.Source{Name: toGGUF(s.Name), Type: kind, Dims: s.Dims, Floats: func() ([]float32, error) {
			data := device.Values(n.Weights()[i])
			if heads := interleaved(n.Config, s.Name); heads > 0 {
				data = interleave(data, s.Dims[0], heads)
			}
			return data, nil
		}})
	}
	if scaling := n.Config.RopeScaling; scaling != (decoder.RopeScaling{}) {
		plain := n.Config
		plain.RopeScaling = decoder.RopeScaling{}
		frequencies := plain.Frequencies()
		list = append(list, gguf.Source{Name: divisorsName, Type: gguf.F32, Dims: []int{len(frequencies)}, Floats: func() ([]float32, error) {
			divisors := make([]float32, len(frequencies))
			for i, f := range frequencies {
				divisors[i] = float32(scaling.Divisor(f))
			}
			return divisors, nil
		}})
	}
	return list
}

// metadata returns the metadata of the model's file.
func (m Model) metadata() (map[string]any, error) {
	c := m.Net.Config
	arch := architectures[c.ModelType]
	switch {
	case arch == "":
		return nil, fmt.Errorf("llama.cpp does not know the decoder of model_type %q", c.ModelType)
	case !c.HasHead(decoder.HeadLM):
		return nil, errors.New("the network has a scalar head, which is not written")
	case c.AttentionBias || c.MLPBias:
		return nil, errors.New("attention_bias and mlp_bias are not written")
	case len(c.HeadNames()) > 1:
		return nil, fmt.Errorf("the network has the heads %q, of which %q alone is written", c.HeadNames(), decoder.HeadLM)
	case m.Tokenizer == nil:
		return nil, errors.New("the model has no tokenizer")
	case len(c.Stops) > 2:
		return nil, fmt.Errorf("eos_token_id has %d entries, more than the three of a GGUF file", 1+len(c.Stops))
	case c.RopeScaling != (decoder.RopeScaling{}) && (c.RopeScaling.LowFreq != 1 || c.RopeScaling.HighFreq != 4):
		return nil, fmt.Errorf("rope scaling %+v is not that of Llama 3 (low_freq_factor 1, high_freq_factor 4)", c.RopeScaling)
	}
	u := func(n int) uint32 { return uint32(n) }
	metadata := map[string]any{
		"general.architecture":                     arch,
		"general.type":                             "model",
		arch + ".vocab_size":                       u(c.VocabSize),
		arch + ".block_count":                      u(c.Layers),
		arch + ".context_length":                   u(c.MaxPositions),
		arch + ".embedding_length":                 u(c.Dim),
		arch + ".feed_forward_length":              u(c.IntermediateSize),
		arch + ".attention.head_count":             u(c.Heads),
		arch + ".attention.head_count_kv":          u(c.KVHeads),
		arch + ".attention.key_length":             u(c.HeadDim),
		arch + ".attention.value_length":           u(c.HeadDim),
		arch + ".attention.layer_norm_rms_epsilon": float32(c.NormEps),
		arch + ".rope.dimension_count":             u(c.HeadDim),
		arch + ".rope.freq_base":                   float32(c.RopeTheta),
		"tokenizer.ggml.eos_token_id":              uint32(c.EOS),
		"tokenizer.ggml.padding_token_id":          uint32(c.Pad),
	}
	for i, stop := range c.Stops {
		metadata["tokenizer.ggml."+[]string{"eot_token_id", "eom_token_id"}[i]] = uint32(stop)
	}
	if m.BOS != nil {
		metadata[keyBOS] = uint32(*m.BOS)
	}
	if m.ChatTemplate != "" {
		metadata[keyTemplate] = m.ChatTemplate
	}
	return metadata, m.addTokens(metadata)
}

// addTokens adds the tokenizer to a file's metadata. It reads the tokenizer.json that package
// tokenizer writes, which has all that the format needs.
func (m Model) addTokens(metadata map[string]any) error {
	dir, err := os.MkdirTemp("", "tokenizer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tokenizer.json")
	if err := m.Tokenizer.Save(path); err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file struct {
		Added []struct {
			ID      int
			Content string
			Special bool
		} `json:"added_tokens"`
		Normalizer    *struct{ Type string } `json:"normalizer"`
		PreTokenizer  step                   `json:"pre_tokenizer"`
		PostProcessor json.RawMessage        `json:"post_processor"`
		Model         struct {
			Type   string
			Whole  bool            `json:"ignore_merges"`
			Merges json.RawMessage // pairs, or strings with a space
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	if file.Model.Type != "BPE" {
		return fmt.Errorf("llama.cpp does not know the tokenizer: its model is %q, want BPE, pairs", file.Model.Type)
	}
	var merges [][2]string
	if json.Unmarshal(file.Model.Merges, &merges) != nil {
		var lines []string
		if err := json.Unmarshal(file.Model.Merges, &lines); err != nil {
			return fmt.Errorf("tokenizer: merges: %w", err)
		}
		merges = make([][2]string, len(lines))
		for i, line := range lines {
			merges[i][0], merges[i][1], _ = strings.Cut(line, " ")
		}
	}
	tokens, kinds := make([]string, m.Net.Config.VocabSize), make([]int32, m.Net.Config.VocabSize)
	for id := range tokens {
		kinds[id] = tokenNormal
		token, ok := m.Tokenizer.Token(int32(id))
		if !ok {
			token, kinds[id] = fmt.Sprintf("[PAD%d]", id), tokenUnused // as llama.cpp's converter names them
		}
		tokens[id] = token
	}
	for _, a := range file.Added {
		kinds[a.ID] = tokenUser
		if a.Special {
			kinds[a.ID] = tokenControl
		}
	}
	metadata["tokenizer.ggml.tokens"] = tokens
	metadata["tokenizer.ggml.token_type"] = kinds
	steps := file.PreTokenizer.steps()
	if slices.Contains(steps, "ByteLevel") || slices.Contains(steps, "ByteLevel+") {
		at := slices.IndexFunc(preTokenizers, func(p preTokenizer) bool {
			return slices.Equal(p.steps, steps) && p.whole == file.Model.Whole
		})
		if at < 0 || file.Normalizer != nil && file.Normalizer.Type != "NFC" {
			return fmt.Errorf("llama.cpp has no name for how the tokenizer cuts a text (%q, ignore_merges %v); the names known here are %s",
				steps, file.Model.Whole, preTokenizerNames())
		}
		lines := make([]string, len(merges))
		for i, p := range merges {
			lines[i] = p[0] + " " + p[1]
		}
		metadata["tokenizer.ggml.model"] = "gpt2"
		metadata["tokenizer.ggml.pre"] = preTokenizers[at].names[0]
		metadata["tokenizer.ggml.merges"] = lines
	} else if err := writeScores(metadata, data, tokens, kinds, merges); err != nil {
		return err
	}
	addBOS := false
	if m.BOS != nil {
		token, ok := m.Tokenizer.Token(*m.BOS)
		addBOS = ok && setsBefore(file.PostProcessor, token)
	}
	metadata["tokenizer.ggml.add_bos_token"] = addBOS
	return nil
}

// setsBefore tells whether a post-processor puts a token before a text.
func setsBefore(data json.RawMessage, token string) bool {
	var p struct {
		Single []struct {
			SpecialToken *struct{ ID string }
		}
		Processors []json.RawMessage
	}
	if json.Unmarshal(data, &p) != nil {
		return false
	}
	for _, one := range p.Processors {
		if setsBefore(one, token) {
			return true
		}
	}
	return len(p.Single) > 0 && p.Single[0].SpecialToken != nil && p.Single[0].SpecialToken.ID == token
}
