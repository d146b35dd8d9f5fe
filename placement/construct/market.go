package construct

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// market is what has been learned of the requests so far, and the prices of processor
// time and of carrying that follow: where those that came ask for more than there is,
// the room goes to those that earn most for what they take. In the fluid limit, of many
// small requests that come and go, prices that solve the dual of the linear program
//
//	maximize  sum of x earns stay,  0 <= x <= 1,
//	subject to  sum of x takes stay <= room times time,  of each resource,
//
// and a request is refused that earns less than what it takes is worth (bid prices:
// Talluri and van Ryzin, The Theory and Practice of Revenue Management, 2004, 3.2).
type market struct {
	began  float64
	offers []offer
	held   [resources]float64 // by all tenants now
	peak   [resources]float64 // the most that was held
	short  int                // requests that found no place
	price  [resources]float64 // revenue a second for each unit
	due    int                // offers after which the prices are reckoned anew
}

// What is priced: processor time in hundredths of a CPU, and Gbit/s times cables.
const (
	processors = iota
	carrying
	resources
)

// offer is a request as it came: what it earns a second, what it takes, how long it stays.
type offer struct {
	earns, stay float64
	takes       [resources]float64
}

const (
	season   = 20  // offers between two prices, and the least before the first
	sweeps   = 8   // over the resources, to the prices that solve the dual
	discount = 0.8 // of the price that is asked: prices of the past are not quite those to come
	crowd    = 6.0 // the power of what is held, the peak as the unit, by which prices come to bear
)

// offer notes a request, for which e was found or nothing, and says why it is refused
// although it could be had, or "".
func (m *market) offer(q *Request, e *Embedding, at, stay float64) string {
	o := q.offer(e)
	o.stay = stay
	if e == nil {
		m.short++
	}
	if len(m.offers) == 0 {
		m.began = at
	}
	m.offers = append(m.offers, o)
	if m.due--; m.due <= 0 && len(m.offers) >= season && m.short > 0 && at > m.began {
		m.due = season
		m.reprice(at - m.began)
	}
	worth := 0.0
	for k := range resources {
		if m.peak[k] > 0 {
			worth += discount * o.takes[k] * m.price[k] * math.Pow(m.held[k]/m.peak[k], crowd)
		}
	}
	if e == nil || o.earns >= worth {
		return ""
	}
	return fmt.Sprintf("it earns %.4g a second, and what it takes is worth %.4g to those that are expected", o.earns, worth)
}

// hold adds what a tenant takes, or strikes it.
func (m *market) hold(q *Request, e *Embedding, sign float64) {
	o := q.offer(e)
	for k := range resources {
		m.held[k] += sign * o.takes[k]
		m.peak[k] = max(m.peak[k], m.held[k])
	}
}

// offer is what a request earns and takes with an embedding, or at the least.
func (q *Request) offer(e *Embedding) offer {
	var o offer
	for v := range q.seats {
		o.takes[processors] += float64(q.seats[v].cpu) / 1e7
	}
	o.earns = o.takes[processors]
	for l := range q.links {
		rate := float64(q.links[l].rate) / 1e9
		o.earns += rate
		if e != nil {
			o.takes[carrying] += rate * float64(len(e.paths[l]))
		} else {
			o.takes[carrying] += rate
		}
	}
	return o
}

// reprice solves the dual by turns: the price of one resource at which those offers
// that pay for what they take of the others fill its room.
func (m *market) reprice(time float64) {
	type bid struct{ ratio, takes float64 }
	m.price = [resources]float64{}
	for sweep := range sweeps * resources {
		k := sweep % resources
		var bids []bid
		for _, o := range m.offers {
			left := o.earns
			for j := range resources {
				if j != k {
					left -= m.price[j] * o.takes[j]
				}
			}
			if left > 0 && o.takes[k] > 0 {
				bids = append(bids, bid{left / o.takes[k], o.takes[k] * o.stay})
			}
		}
		slices.SortFunc(bids, func(a, b bid) int { return cmp.Compare(b.ratio, a.ratio) })
		m.price[k] = 0
		room := m.peak[k] * time
		for _, b := range bids {
			if room -= b.takes; room < 0 {
				m.price[k] = b.ratio
				break
			}
		}
	}
}
