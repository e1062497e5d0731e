package ppo

import (
	"fmt"
	"maps"
	"strings"

	"github.com/satori-go/satori/ppo/internal/settings"
	"github.com/satori-go/satori/reward"
)

// Settings returns the settings of the trainer that decide its results: those of the
// Config, by their names in JSON, and the names, weights and ranges of the rubric's terms,
// as "Rubric.TERM.Weight". Functions have the name that the caller gave. Done, KL, which may
// be adapted, and Parallel are not among them.
func (t *Trainer) Settings() (map[string]string, error) {
	c, err := t.Config.resolve()
	if err != nil {
		return nil, fmt.Errorf("ppo: %w", err)
	}
	s := settings.Of(c)
	for _, name := range []string{"Done", "KL", "Parallel"} {
		delete(s, name)
	}
	maps.Copy(s, rubricSettings(t.Rubric))
	return s, nil
}

func rubricSettings(rubric reward.Rubric) map[string]string {
	s := map[string]string{"Rubric": strings.Join(termNames(rubric), ", ")}
	for _, t := range rubric {
		s["Rubric."+t.Name+".Weight"] = fmt.Sprint(t.Weight)
		s["Rubric."+t.Name+".Range"] = fmt.Sprintf("%v to %v", t.Low, t.High)
	}
	return s
}

// CheckSettings compares the settings with those that a file has of an earlier run. The
// first one that is not what it was is a rundir.MismatchError. What an earlier version did
// not write is not compared.
func (t *Trainer) CheckSettings(file string, was map[string]string) error {
	now, err := t.Settings()
	if err != nil {
		return err
	}
	return settings.Compare(file, was, now, "Config", t.Config)
}
