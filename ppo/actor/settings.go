package actor

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo/internal/settings"
)

// settings returns the settings of the policy that decide its results.
func (a *Policy) settings() map[string]string {
	s := settings.Of(a.config)
	for _, name := range []string{"InFlight", "SamplerFollows", "PublishDir"} { // they change no rollout
		delete(s, name)
	}
	s["Template"] = probe(a.config.Template)
	if r := a.config.Reference; r != nil {
		s["Reference"] = fingerprint(r.Net)
	}
	s["Policy.BF16"] = fmt.Sprint(a.LM.Config.BF16)
	if a.LM.Config.LoRA.Rank > 0 {
		s["Policy.Base"] = fingerprint(a.LM.Net)
	}
	if a.Critic != nil {
		s["Critic.BF16"] = fmt.Sprint(a.Critic.Config.BF16)
	}
	return s
}

// compare compares the settings with those that were saved.
func (a *Policy) compare(was map[string]string) error {
	for name := range was {
		if strings.HasSuffix(name, "Checkpointing") { // of earlier versions; it changes no figure
			delete(was, name)
		}
	}
	return settings.Compare(settingsFile, was, a.settings(), "Config", a.config)
}

// probe identifies a template by what it writes for one start.
func probe(t coat.Template) string {
	text := t(coat.Start{
		Problem: coat.Problem{ID: "probe", Question: "question", Answer: "answer", Level: 1},
		Prefix:  coat.Trace{{Text: "step"}, {Action: coat.Reflect}}, Prior: coat.Wrong,
	})
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// fingerprint tells a network from others by a matrix that imitation and merged adapters
// change.
func fingerprint(n *model.Net) string {
	w, _ := n.Tensor("model.layers.0.self_attn.q_proj.weight")
	data := make([]byte, 0, 4*len(w))
	for _, x := range w {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
