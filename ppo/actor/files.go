package actor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/coat/rundir"
	"github.com/satori-go/satori/model"
	"github.com/satori-go/satori/model/hf"
)

// The files that [Policy.Save] writes: actor.json with the settings, and for the policy
// and a separate critic a model's directory with the state of its optimiser. Of a policy
// with an adapter there is only the adapter, in a directory below.
const (
	settingsFile = "actor.json"
	policyDir    = "policy"
	adapterDir   = "adapter"
	criticDir    = "critic"
)

// Save writes the policy, its critic and the moments of their optimisers into a directory,
// whole or not at all. Of a policy with an adapter it writes the adapter alone, as the
// weights below do not change. ([model.LM.Save] writes them merged.)
func (a *Policy) Save(dir string) error {
	return rundir.ReplaceDir(dir, nil, func(tmp string) error {
		if err := a.savePolicy(filepath.Join(tmp, policyDir)); err != nil {
			return err
		}
		if a.Critic != nil {
			if err := hf.SaveNet(a.Critic, filepath.Join(tmp, criticDir), model.SaveLearner(a.critic)); err != nil {
				return err
			}
		}
		data, err := json.MarshalIndent(a.settings(), "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, settingsFile), append(data, '\n'), 0o644)
	})
}

func (a *Policy) savePolicy(dir string) error {
	if a.LM.Config.LoRA.Rank == 0 {
		return a.LM.SaveWith(dir, model.SaveLearner(a.actor))
	}
	return rundir.ReplaceDir(dir, nil, func(tmp string) error {
		return errors.Join(a.LM.SaveAdapter(filepath.Join(tmp, adapterDir), ""), model.SaveLearner(a.actor)(tmp))
	})
}

// Load reads what [Policy.Save] wrote into the networks and optimisers of a policy that
// was made as for a new run. The policy then continues exactly as the saved one would have.
//
// The Config has to be what it was; the first field that is not is an error, which
// names it. The template is compared by the prompt that it writes for one start, the
// reference and the weights below an adapter by one matrix, LossAgg and KLLoss by their
// names. After an error in reading weights the policy is of no use.
func (a *Policy) Load(dir string) error {
	if err := a.load(dir); err != nil {
		return fmt.Errorf("actor: policy %s: %w", dir, err)
	}
	return nil
}

func (a *Policy) load(dir string) error {
	if err := rundir.RecoverDir(dir); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if err != nil {
		return err
	}
	var was map[string]string
	if err := json.Unmarshal(data, &was); err != nil {
		return fmt.Errorf("%s: %w", settingsFile, err)
	}
	if err := a.compare(was); err != nil {
		return err
	}
	if err := a.loadPolicy(filepath.Join(dir, policyDir)); err != nil {
		return err
	}
	a.stale = a.config.publisher() != nil
	_, err = os.Stat(filepath.Join(dir, criticDir))
	switch saved := err == nil; {
	case saved != (a.Critic != nil):
		return fmt.Errorf("a separate critic was saved: %t; the policy has one: %t", saved, a.Critic != nil)
	case !saved:
		return nil
	}
	critic, err := model.OpenNet(a.LM.Backend(), filepath.Join(dir, criticDir))
	if err != nil {
		return err
	}
	if err := takeWeights(a.Critic, critic); err != nil {
		return err
	}
	return model.OpenLearner(a.critic, filepath.Join(dir, criticDir))
}

func (a *Policy) loadPolicy(dir string) error {
	adapter := filepath.Join(dir, adapterDir)
	_, err := os.Stat(adapter)
	var saved *model.Net
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case err != nil && !missing:
		return err
	case missing != (a.LM.Config.LoRA.Rank == 0):
		return fmt.Errorf("an adapter was saved: %t; the policy has one: %t", !missing, missing)
	case missing:
		saved, err = model.OpenNet(a.LM.Backend(), dir)
	default:
		saved, err = hf.OpenAdapter(a.LM.Base(), adapter)
	}
	if err != nil {
		return err
	}
	if err := takeWeights(a.LM.Net, saved); err != nil {
		return err
	}
	return model.OpenLearner(a.actor, dir)
}

// takeWeights puts the weights of a saved network into a network, in the storage of the latter.
func takeWeights(n, saved *model.Net) error {
	if n.Config.BF16 {
		saved.ToBF16() // loses nothing: that is what was written
	}
	if err := n.TakeWeights(saved); err != nil {
		saved.Close()
		return err
	}
	return nil
}
