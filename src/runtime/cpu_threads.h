// How libtorch's CPU threads wait for each other.
#pragma once

namespace t3 {

// From now on threads that have finished their part of an operation sleep until the others have.
// By default OpenMP's run library (GCC's) lets them spin for as long as a processor takes from
// them what another program could use; on a machine that does anything else besides, the thread
// that is waited for does not get a processor, and everything takes many times as long. No effect
// where OMP_WAIT_POLICY or GOMP_SPINCOUNT is set: the user decides then. Once a process.
void LetThreadsSleep();

}  // namespace t3
