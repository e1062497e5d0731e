package run_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/ppo/actor"
)

// A policy that is an adapter continues as it would have, over its base, which is not saved;
// without an adapter, or over another base, its checkpoint is refused.
func TestAdapterResumes(t *testing.T) {
	b := goBackend(t)
	whole, stopped := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	whole.lora, stopped.lora = true, true
	require.NoError(t, errors.Join(whole.train(t.Context(), b, 2, 0), stopped.train(t.Context(), b, 2, 2), stopped.train(t.Context(), b, 2, 0)))
	if got, want := results(t, stopped.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(stopped.path("final/policy/model.safetensors")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the base is saved, too: %v", err)
	}

	base, err := smallModel(b)
	require.NoError(t, err)
	net, err := model.NewNet(b, base.Config, 8)
	require.NoError(t, err)
	other, err := model.NewLM(net, base.Tokenizer())
	require.NoError(t, err)
	plain := newSmall(t.TempDir(), 1)
	require.NoError(t, plain.train(t.Context(), b, 1, 0))
	adapter := func(lm *model.LM) *model.LM {
		lm, err := lm.WithLoRA(model.LoRA{Rank: 2, Seed: 4})
		require.NoError(t, err)
		return lm
	}
	for name, c := range map[string]struct {
		lm   *model.LM
		of   *small
		want string
	}{
		"no adapter":            {base, stopped, "Policy.Base was"},
		"another base":          {adapter(other), stopped, "Policy.Base was"},
		"an adapter, not saved": {adapter(base), plain, "an adapter was saved: false; the policy has one: true"},
	} {
		critic, err := base.Net.WithHeads(3, decoder.HeadScore)
		require.NoError(t, err)
		p, err := actor.New(c.lm, critic, c.of.actor())
		require.NoError(t, err)
		if err := p.Load(c.of.path("final")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		p.Close()
	}
	critic, err := base.Net.WithHeads(3, decoder.HeadScore)
	require.NoError(t, err)
	if _, err := actor.New(base, critic, plain.actor()); err != nil {
		t.Errorf("a base that was loaded over is no longer a model: %v", err)
	}
}

// A policy in bfloat16 is loaded into one in bfloat16, with the f32 masters of its
// optimiser, and into no other. Gradient checkpointing changes no figure, and is not compared.
func TestNetworksResume(t *testing.T) {
	b := goBackend(t)
	s := newSmall(t.TempDir(), 1)
	open := func(bf16, checkpointing bool) *actor.Policy {
		lm, err := smallModel(b)
		require.NoError(t, err)
		critic, err := lm.Net.WithHeads(3, decoder.HeadScore)
		require.NoError(t, err)
		lm.Config.GradientCheckpointing, critic.Config.GradientCheckpointing = checkpointing, checkpointing
		if bf16 {
			lm.ToBF16()
		}
		p, err := actor.New(lm, critic, s.actor())
		require.NoError(t, err)
		t.Cleanup(p.Close)
		return p
	}
	require.NoError(t, open(true, true).Save(s.path("actor")))
	if err := open(false, true).Load(s.path("actor")); err == nil || !strings.Contains(err.Error(), `Policy.BF16 was "true" when the run began and is "false" now`) {
		t.Errorf("into f32: %v", err)
	}
	p := open(true, false)
	require.NoError(t, p.Load(s.path("actor")))
	if c := p.LM.Config; !c.BF16 || c.GradientCheckpointing || p.Critic.Config.BF16 {
		t.Errorf("policy %+v", c)
	}
	require.NoError(t, p.Save(s.path("again")))
	for _, name := range []string{"policy/model.safetensors", "policy/optimizer.safetensors", "critic/model.safetensors"} {
		if one, two := read(t, s.path("actor"), name), read(t, s.path("again"), name); one != two {
			t.Errorf("%s is another after loading", name)
		}
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(data)
}
