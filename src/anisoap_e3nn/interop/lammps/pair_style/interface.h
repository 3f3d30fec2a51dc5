// What the pair style and its model tell each other: C structures, the same in anisoap_e3nn.interop.lammps.
#pragma once

#include <cstdint>

extern "C" {
// What pair_coeff learns of a model.
struct anisoap_model {
  double cutoff;           // a length in the units of the script
  int64_t pairs;           // whether it has terms of pairs
  int64_t neighborhoods;   // whether it has terms of whole neighbourhoods
  int64_t width;           // most features of a particle that it exchanges; 0 if none
};

// One evaluation. Particles are those of the model's types; the first n_local of them belong to this rank.
struct anisoap_step {
  int64_t model, n_local, n_all, n_pair_edges, n_neighborhood_edges;
  const double *positions;             // [all, 3]
  const double *quaternions;           // [all, 4], w x y z, body to space
  const double *semiaxes;              // [all, 3]
  const int64_t *types;                // [all], LAMMPS' types
  const int64_t *pair_edges;           // [2, edge], both directions of each pair, which one rank alone has
  const double *pair_vectors;          // [edge, 3], from centre to neighbour
  const int64_t *neighborhood_edges;   // [2, edge], all neighbours of local centres
  double *energies, *forces, *torques; // [all], [all, 3], [all, 3], to be added to zeros
};

// Both return 0, or anything else after writing what is wrong into `message`, which has room for `size` bytes.
struct anisoap_functions {
  int (*open)(const char *words, const char *units, int64_t id, anisoap_model *model, char *message, int64_t size);
  int (*evaluate)(const anisoap_step *step, char *message, int64_t size);
};
}
