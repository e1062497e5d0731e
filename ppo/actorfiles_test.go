package ppo_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/ppo"
)

// A policy that is an adapter goes on as it would have, over its base, which is not saved;
// without it, or over another one, it is not opened.
func TestAdapterResumes(t *testing.T) {
	b := goBackend(t)
	whole, stopped := newSmall(t.TempDir(), 4), newSmall(t.TempDir(), 4)
	whole.lora, stopped.lora = true, true
	if err := errors.Join(whole.train(t.Context(), b, 2, 0), stopped.train(t.Context(), b, 2, 2), stopped.train(t.Context(), b, 2, 0)); err != nil {
		t.Fatal(err)
	}
	if got, want := results(t, stopped.dir), results(t, whole.dir); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(stopped.path("final/policy/model.safetensors")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the base is saved, too: %v", err)
	}

	base, err := smallModel(b)
	if err != nil {
		t.Fatal(err)
	}
	other, err := model.NewNet(b, base.Config, 8)
	if err != nil {
		t.Fatal(err)
	}
	otherLM, err := model.NewLM(other, base.Tokenizer())
	if err != nil {
		t.Fatal(err)
	}
	plain := newSmall(t.TempDir(), 1)
	if err := plain.train(t.Context(), b, 1, 0); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		of   *small
		open func(k *ppo.Checkpoint) error
		want string
	}{
		"no base":      {stopped, func(k *ppo.Checkpoint) error { _, err := k.Open(b, stopped.actor()); return err }, "Checkpoint.OpenOver"},
		"another base": {stopped, func(k *ppo.Checkpoint) error { _, err := k.OpenOver(otherLM, stopped.actor()); return err }, "Policy.Base was"},
		"no adapter":   {plain, func(k *ppo.Checkpoint) error { _, err := k.OpenOver(base, plain.actor()); return err }, "Checkpoint.Open or"},
	} {
		run, err := c.of.open(2)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.open(run.Last); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ppo.NewActorCritic(base, base.Net.WithScore(3), plain.actor()); err != nil {
		t.Errorf("a base that was opened over is no longer a model: %v", err)
	}
}

// How the weights are stored, and what the gradient keeps, is gone on with.
func TestNetworksResume(t *testing.T) {
	b := goBackend(t)
	s := newSmall(t.TempDir(), 1)
	lm, err := smallModel(b)
	if err != nil {
		t.Fatal(err)
	}
	critic := lm.Net.WithScore(3)
	lm.Config.GradientCheckpointing, critic.Config.GradientCheckpointing = true, true
	lm.ToBF16()
	p, err := ppo.NewActorCritic(lm, critic, s.actor())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Save(s.path("actor")); err != nil {
		t.Fatal(err)
	}
	p, err = ppo.OpenActorCritic(b, s.path("actor"), s.actor())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if c, k := p.LM.Config, p.Critic.Config; !c.GradientCheckpointing || !c.BF16 || !k.GradientCheckpointing || k.BF16 {
		t.Errorf("policy %+v\ncritic %+v", c, k)
	}
}
