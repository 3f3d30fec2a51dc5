// What the pair style and its model tell each other: C structures, the same in anisoap_e3nn.interop.lammps.
#pragma once

#include <cstdint>

extern "C" {
// A native kernel that is the whole model, which the pair style calls itself; without one, `evaluate` is null.
struct anisoap_kernel {
  int (*evaluate)(const struct anisoap_pairs *pairs, const void *constants, char *message);  // see anisoap_kernels.h
  const void *constants;
  const int64_t *types;        // [LAMMPS' type], the model's
  const int64_t *known_types;  // [n_known_types]
  int64_t n_known_types, threads;
  double factor;               // from the model's unit of energy to the script's
};

// What pair_coeff learns of a model.
struct anisoap_model {
  double cutoff;           // a length in the units of the script
  int64_t pairs;           // whether it has terms of pairs
  int64_t neighborhoods;   // whether it has terms of whole neighbourhoods
  int64_t width;           // most features of a particle that it exchanges; 0 if none
  anisoap_kernel kernel;
};

// One evaluation. Particles are those of the model's types; the first n_local of them belong to this rank.
struct anisoap_step {
  int64_t model;
  int64_t selection;                   // another number when arrays of particles have moved, and types changed
  int64_t n_local, n_all, n_pair_edges, n_neighborhood_edges;
  const double *positions;             // [all, 3]
  const double *quaternions;           // [all, 4], w x y z, body to space
  const double *semiaxes;              // [all, 3]
  const int64_t *types;                // [all], LAMMPS' types
  const int64_t *pair_edges;           // [2, edge], one of each pair, which one rank alone has
  const double *pair_vectors;          // [edge, 3], from centre to neighbour
  const int64_t *neighborhood_edges;   // [2, edge], all neighbours of local centres
  double *energies, *forces, *torques; // [all], [all, 3], [all, 3], to be written
};

// Both return 0, or anything else after writing what is wrong into `message`, which has room for `size` bytes.
struct anisoap_functions {
  int (*open)(const char *words, const char *units, int64_t id, anisoap_model *model, char *message, int64_t size);
  int (*evaluate)(const anisoap_step *step, char *message, int64_t size);
};
}
