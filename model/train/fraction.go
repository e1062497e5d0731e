package train

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A Fraction is a number from 0 to 1 for a field whose default is not 0. Its zero value
// selects the default; [Frac] gives any number, and Frac(0) is 0.
//
// In JSON it is a number. 0 stands for the default, as in files of earlier versions, and
// the word "zero" for 0.
type Fraction struct {
	set   bool
	value float64
}

// Frac returns a Fraction with a value. A value outside [0, 1] is an error of the Config
// that has it.
func Frac(value float64) Fraction { return Fraction{true, value} }

// Or returns f, or a default where f stands for that.
func (f Fraction) Or(value float64) Fraction {
	if f.set {
		return f
	}
	return Frac(value)
}

// Value returns the number, and 0 for a Fraction that stands for a default.
func (f Fraction) Value() float64 { return f.value }

// IsSet reports whether the Fraction has a number, and does not stand for a default.
func (f Fraction) IsSet() bool { return f.set }

// Valid reports whether the number is from 0 to 1.
func (f Fraction) Valid() bool { return f.value >= 0 && f.value <= 1 }

// String returns the number, or "default".
func (f Fraction) String() string {
	if !f.set {
		return "default"
	}
	return fmt.Sprint(f.value)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (f Fraction) MarshalJSON() ([]byte, error) {
	if f.set && f.value == 0 {
		return []byte(`"zero"`), nil
	}
	return json.Marshal(f.value)
}

// UnmarshalJSON reads a number or the word "zero".
func (f *Fraction) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte(`"zero"`)) {
		*f = Frac(0)
		return nil
	}
	var value float64
	if err := json.Unmarshal(data, &value); err != nil {
		return fmt.Errorf(`%s is no share; want a number from 0 to 1 (0: the default) or the word "zero"`, data)
	}
	*f = Fraction{value != 0, value}
	return nil
}
