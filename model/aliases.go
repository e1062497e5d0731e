package model

import (
	"fmt"
	"path/filepath"

	"github.com/satori-go/satori/model/decoder"
	"github.com/satori-go/satori/model/hf"
	"github.com/satori-go/satori/model/network"
	"github.com/satori-go/satori/model/train"
)

// These are the names of other packages that a program needs to make, to score and to train
// a model.
type (
	// A Config describes a network, see [decoder.Config].
	Config = decoder.Config
	// A RopeScaling changes the frequencies of rotary positions, see [decoder.RopeScaling].
	RopeScaling = decoder.RopeScaling
	// A LoRA describes an adapter, see [decoder.LoRA].
	LoRA = decoder.LoRA
	// A Net is a network with its weights, see [network.Net].
	Net = network.Net
	// A Learner trains a network, see [train.Learner].
	Learner = train.Learner
	// A Loss builds what a Learner minimises, see [train.Loss].
	Loss = train.Loss
	// An AdamW holds the settings of the optimiser, see [train.AdamW].
	AdamW = train.AdamW
	// A Stat holds what one step reports, see [train.Stat].
	Stat = train.Stat
)

// NewNet makes a network with fresh weights, as [network.New] does.
func NewNet(b Backend, c Config, seed uint64) (*Net, error) { return network.New(b, c, seed) }

// NewLearner prepares a learner, as [train.NewLearner] does.
func NewLearner(n *Net, loss Loss, a AdamW) *Learner { return train.NewLearner(n, loss, a) }

const optimizerFile = "optimizer.safetensors"

// SaveLearner returns a function that writes a learner's state into a directory, for
// [hf.SaveNet] and [LM.SaveWith].
func SaveLearner(l *Learner) func(dir string) error {
	return func(dir string) error {
		return hf.WriteTensors(filepath.Join(dir, optimizerFile), l.StateSpecs(), l.StateTensor)
	}
}

// OpenLearner puts a learner into the state that [SaveLearner] wrote into a directory.
func OpenLearner(l *Learner, dir string) error {
	path := filepath.Join(dir, optimizerFile)
	values, err := hf.ReadTensors(path, l.StateSpecs())
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := l.SetState(values); err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	return nil
}
