package latex

import "strings"

// unitNames has one unit a line: its canonical spelling and the others.
var unitNames = `
	dollar dollars $ usd
	euro euros € eur
	pound-sterling £ gbp quid
	yen ¥ jpy
	rupee rupees ₹ inr rs
	cent cents ¢
	degree degrees deg °
	millimeter millimeters millimetre millimetres mm
	centimeter centimeters centimetre centimetres cm
	meter meters metre metres m
	kilometer kilometers kilometre kilometres km
	inch inches in
	foot feet ft
	yard yards yd yds
	mile miles mi
	milligram milligrams mg
	gram grams gm g
	kilogram kilograms kg kgs
	pound pounds lb lbs
	ounce ounces oz
	ton tons
	liter liters litre litres l L
	milliliter milliliters millilitre millilitres ml mL
	gallon gallons gal
	second seconds sec secs s
	minute minutes min mins
	hour hours hr hrs h
	day days
	week weeks wk wks
	month months mo
	year years yr yrs
	am AM
	pm PM
	mile/hour mph
	kilometer/hour kmh kph
	radian radians rad rads
	newton newtons N
	joule joules J kJ
	watt watts W kW
	volt volts V
	ampere amperes amp amps A
	ohm ohms
	pascal pascals Pa kPa
	hertz Hz kHz MHz
	kelvin K
	mole moles mol
	square sq
	unit units
	person persons people
	child children
	man men
	woman women
`

// units holds the spellings that are a unit wherever they follow a number. canonicalUnits
// gives the canonical spelling of each spelling.
var units, canonicalUnits = func() (map[string]bool, map[string]string) {
	known, canon := map[string]bool{}, map[string]string{}
	for _, line := range strings.Split(unitNames, "\n") {
		f := strings.Fields(line)
		for i, w := range f {
			if len(f[0]) == 1 && i == 0 {
				continue
			}
			canon[w] = f[0]
			known[w] = len(w) > 1 && w != "rs" && w != "sec"
		}
	}
	for _, w := range []string{"kJ", "kW", "kPa", "kHz", "MHz"} { // prefixes are not spellings
		canon[w] = w
	}
	return known, canon
}()

// canonicalUnit returns one spelling for all spellings of a unit.
func canonicalUnit(w string) string {
	if c, ok := canonicalUnits[w]; ok {
		return c
	}
	low := lower(w)
	if c, ok := canonicalUnits[low]; ok && len(low) > 1 {
		return c
	}
	if n := len(low); n > 3 && low[n-1] == 's' && low[n-2] != 's' {
		if strings.HasSuffix(low, "ies") && n > 4 {
			return low[:n-3] + "y"
		}
		for _, es := range []string{"ches", "shes", "xes", "sses"} {
			if strings.HasSuffix(low, es) {
				return low[:n-2]
			}
		}
		return low[:n-1]
	}
	return low
}

// KnownUnit reports whether u is empty or has a canonical spelling.
func KnownUnit(u string) bool { return u == "" || canonicalUnits[u] != "" }
