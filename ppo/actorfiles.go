package ppo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/hf"
)

// What [ActorCritic.Save] writes: actor.json, and a model's directory with its optimiser's
// state for the policy and for a critic of its own. Of a policy with an adapter only the
// adapter is there, in a directory of its own.
const (
	actorFile  = "actor.json"
	policyDir  = "policy"
	adapterDir = "adapter"
	criticDir  = "critic"
)

// Save writes the policy and its critic with the moments of their optimisers, whole or
// not at all; files of the caller's own join them. Of a policy with an adapter the
// adapter alone is written: the weights below it do not change. ([model.LM.Save] writes
// them merged.)
func (a *ActorCritic) Save(dir string, extra ...func(dir string) error) error {
	return rundir.ReplaceDir(dir, nil, func(tmp string) error {
		if err := a.savePolicy(filepath.Join(tmp, policyDir)); err != nil {
			return err
		}
		if a.Critic != nil {
			if err := hf.SaveNet(a.Critic, filepath.Join(tmp, criticDir), model.SaveLearner(a.critic)); err != nil {
				return err
			}
		}
		for _, write := range append(extra, a.saveSettings) {
			if err := write(tmp); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *ActorCritic) savePolicy(dir string) error {
	if a.LM.Config.LoRA.Rank == 0 {
		return a.LM.SaveWith(dir, model.SaveLearner(a.actor))
	}
	return rundir.ReplaceDir(dir, nil, func(tmp string) error {
		return errors.Join(a.LM.SaveAdapter(filepath.Join(tmp, adapterDir), ""), model.SaveLearner(a.actor)(tmp))
	})
}

// OpenActorCritic goes on where Save stopped. A policy with an adapter needs
// [OpenActorCriticOver].
func OpenActorCritic(b model.Backend, dir string, c ActorConfig) (*ActorCritic, error) {
	a, _, err := openActorCritic(b, nil, dir, c)
	return a, err
}

// OpenActorCriticOver is [OpenActorCritic] for a policy with an adapter. Its base has to be
// what it was when training began; it is not changed, and has to outlive the policy.
func OpenActorCriticOver(base *model.LM, dir string, c ActorConfig) (*ActorCritic, error) {
	a, _, err := openActorCritic(base.Backend(), base, dir, c)
	return a, err
}

// SaveIn writes the policy, the critic and their optimisers into a checkpoint.
func (a *ActorCritic) SaveIn(dir string) error { return a.Save(filepath.Join(dir, actorDir)) }

// Open opens what [ActorCritic.SaveIn] wrote. The configuration has to be as it was; the
// first field that is not is an error. A missing file is one too: no optimiser begins
// anew unsaid. A policy with an adapter needs [Checkpoint.OpenOver].
func (k *Checkpoint) Open(b model.Backend, c ActorConfig) (*ActorCritic, error) {
	return k.open(b, nil, c)
}

// OpenOver is [Checkpoint.Open] for a policy with an adapter. Its base has to be what it
// was when the run began; it is not changed, and has to outlive the policy.
func (k *Checkpoint) OpenOver(base *model.LM, c ActorConfig) (*ActorCritic, error) {
	return k.open(base.Backend(), base, c)
}

func (k *Checkpoint) open(b model.Backend, base *model.LM, c ActorConfig) (*ActorCritic, error) {
	dir := filepath.Join(k.Dir, actorDir)
	a, was, err := openActorCritic(b, base, dir, c)
	if err != nil {
		return nil, err
	}
	if was == nil {
		err = fmt.Errorf("%s is missing", actorFile)
	} else {
		err = sameSettings("ActorConfig", was, actorSettings(a.config))
	}
	if err != nil {
		a.closeAll()
		return nil, fmt.Errorf("ppo: %s: %w", dir, err)
	}
	return a, nil
}

// openActorCritic opens a policy, over its base where it has an adapter, and its critic.
// was are the settings that they were saved with: nil in a directory without them, as
// earlier revisions left it.
func openActorCritic(b model.Backend, base *model.LM, dir string, c ActorConfig) (a *ActorCritic, was map[string]string, err error) {
	a = new(ActorCritic) // as far as it is open
	defer func() {
		if err != nil {
			a.closeAll()
			a, err = nil, fmt.Errorf("ppo: %w", err)
		}
	}()
	if err := rundir.RecoverDir(dir); err != nil {
		return a, nil, err
	}
	was, err = readSettings(filepath.Join(dir, actorFile))
	if err != nil {
		return a, nil, err
	}
	if a.LM, err = openPolicy(b, base, filepath.Join(dir, policyDir)); err != nil {
		return a, nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, criticDir)); !errors.Is(err, fs.ErrNotExist) {
		if a.Critic, err = model.OpenNet(b, filepath.Join(dir, criticDir)); err != nil {
			return a, nil, err
		}
	}
	if err := a.restore(was); err != nil {
		return a, nil, fmt.Errorf("%s: %w", filepath.Join(dir, actorFile), err)
	}
	whole, err := NewActorCritic(a.LM, a.Critic, c)
	if err != nil {
		return a, nil, err
	}
	a = whole
	if err := model.OpenLearner(a.actor, filepath.Join(dir, policyDir)); err != nil {
		return a, nil, err
	}
	if a.Critic != nil {
		if err := model.OpenLearner(a.critic, filepath.Join(dir, criticDir)); err != nil {
			return a, nil, err
		}
	}
	maps.DeleteFunc(was, func(name, _ string) bool { return strings.Contains(name, ".") }) // the networks'
	return a, was, nil
}

func openPolicy(b model.Backend, base *model.LM, dir string) (*model.LM, error) {
	adapter := filepath.Join(dir, adapterDir)
	_, err := os.Stat(adapter)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case err != nil && !missing:
		return nil, err
	case missing && base != nil:
		return nil, fmt.Errorf("%s has weights of its own, and no adapter to open over a base; open it with Checkpoint.Open or OpenActorCritic", dir)
	case !missing && base == nil:
		return nil, fmt.Errorf("%s is an adapter alone; open it over its base with Checkpoint.OpenOver or OpenActorCriticOver", adapter)
	case missing:
		return model.Open(b, dir)
	}
	return base.OpenAdapter(adapter)
}

// saveSettings writes actor.json: the fields of the ActorConfig, and what the files of
// the networks do not tell of them.
func (a *ActorCritic) saveSettings(dir string) error {
	s := actorSettings(a.config)
	maps.Copy(s, a.networkSettings())
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, actorFile), append(data, '\n'), 0o644)
}

func readSettings(path string) (s map[string]string, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (a *ActorCritic) networkSettings() map[string]string {
	s := map[string]string{"Policy.BF16": strconv.FormatBool(a.LM.Config.BF16), "Policy.Checkpointing": strconv.FormatBool(a.LM.Config.GradientCheckpointing)}
	if a.LM.Config.LoRA.Rank > 0 {
		s["Policy.Base"] = fingerprint(a.LM.Net)
	}
	if a.Critic != nil {
		s["Critic.BF16"], s["Critic.Checkpointing"] = strconv.FormatBool(a.Critic.Config.BF16), strconv.FormatBool(a.Critic.Config.GradientCheckpointing)
	}
	return s
}

// restore gives the networks, which have no learner yet, what they were saved with. What
// earlier revisions did not write stays as it is.
func (a *ActorCritic) restore(was map[string]string) error {
	if a.LM.Config.LoRA.Rank > 0 { // the base is the caller's, and stays as it is
		now := a.networkSettings()
		for _, name := range []string{"Policy.BF16", "Policy.Base"} {
			if was[name] != "" && was[name] != now[name] {
				return fmt.Errorf("%s was %q and is %q now; open it over the base that it was trained on", name, was[name], now[name])
			}
		}
	}
	for name, n := range map[string]*model.Net{"Policy": a.LM.Net, "Critic": a.Critic} {
		if n == nil {
			continue
		}
		if checkpointing, ok := was[name+".Checkpointing"]; ok {
			n.Config.GradientCheckpointing = checkpointing == "true"
		}
		if was[name+".BF16"] == "true" {
			n.ToBF16() // loses nothing: that is what was written
		}
	}
	return nil
}

// fingerprint tells the weights below an adapter from others, by a matrix that imitation
// and adapters that were merged change.
func fingerprint(n *model.Net) string {
	w, _ := n.Tensor("model.layers.0.self_attn.q_proj.weight")
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, w)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// closeAll frees what is open, the networks included.
func (a *ActorCritic) closeAll() {
	a.Close()
	if a.LM != nil {
		a.LM.Close()
	}
	if a.Critic != nil {
		a.Critic.Close()
	}
}
