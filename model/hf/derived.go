package hf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/internal/stored"
)

// dropDerived removes tensors that follow from others, which some published files have beside
// the weights: the frequencies of the rotary embedding, as early versions of transformers wrote
// them for Llama, and a head that is tied to the embedding and must be equal to it.
func dropDerived(c decoder.Config, have map[string]stored.Tensor) error {
	for name := range have {
		if strings.HasSuffix(name, ".self_attn.rotary_emb.inv_freq") {
			delete(have, name)
		}
	}
	head, ok := have[decoder.LMHeadTensor]
	embed, known := have[decoder.Embedding]
	if !c.Tied || !c.HasHead(decoder.HeadLM) || !ok || !known {
		return nil
	}
	delete(have, decoder.LMHeadTensor)
	differ := fmt.Errorf("%s: tensor %q is not equal to %q, although tie_word_embeddings is true; "+
		"set it to false in config.json, or remove the tensor", head.Where, decoder.LMHeadTensor, decoder.Embedding)
	if !slices.Equal(head.Dims, embed.Dims) {
		return differ
	}
	one, err := head.Read()
	if err != nil {
		return fmt.Errorf("%s: tensor %q: %w", head.Where, decoder.LMHeadTensor, err)
	}
	other, err := embed.Read()
	if err != nil {
		return fmt.Errorf("%s: tensor %q: %w", embed.Where, decoder.Embedding, err)
	}
	if !slices.Equal(one, other) {
		return differ
	}
	return nil
}
