/* The kernels that compiled models call, as functions of C without torch or Python: anisoap_kernels, a library beside
   the extension. Numbers are double where `is_double`, else float; arrays are contiguous. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ANISOAP_KERNEL __attribute__((visibility("default")))
#define ANISOAP_MESSAGE_SIZE 512 /* bytes */

/* Particles and edges of a potential of pairs, and where its results go. */
typedef struct anisoap_pairs {
  int is_double, threads;
  int64_t n_particles, n_types, n_edges;
  const int64_t *types, *known_types; /* [particle], [type] */
  const void *quaternions, *semiaxes; /* [particle, 4], [particle, 3] */
  const void *edge_vectors;           /* [edge, 3], or null: the differences of positions */
  const void *positions;              /* [particle, 3], or null */
  const int64_t *neighbors, *centers; /* [edge], one of each pair, in either direction */
  void *energies, *forces, *torques;  /* [particle], [particle, 3], [particle, 3], to be written */
} anisoap_pairs;

typedef struct {
  const void *epsilon, *sigma, *well_depths; /* [type, type], [type, type], [type, 3] */
  const uint8_t *is_sphere;                  /* [type] */
  double cutoff, smoothing_width, gamma, upsilon, mu;
  int shift;
} anisoap_gay_berne_numbers;

typedef struct {
  int64_t n_weights, n_products;
  const void *weights;                           /* [weight] */
  const int64_t *shorter, *factors, *exchanged;  /* [product] */
  int64_t n_types, n_radial;
  double thickness, cutoff, decay_length, switch_width, smallest_gap, floor_width;
} anisoap_pair_potential_numbers;

/* Arguments of gaussian_moments; null where there are none. */
typedef struct {
  int is_double, threads;
  int64_t n_edges, n_particles, n_segments, degree;
  const void *edge_vectors;                       /* [edge, 3] */
  const int64_t *neighbors, *segments;            /* [edge] */
  const void *covariances, *weights;              /* [particle, 3, 3], [particle] */
  const void *pair_weights;                       /* [edge] or null */
  const int64_t *own_segments;                    /* [particle] or null */
  double exponent;
  const int64_t *positions;                       /* [moment], where each is stored, in rising order of exponents */
} anisoap_moments;

/* Arguments of convolution, whose plan is that of ops/convolution_plan.py. */
typedef struct {
  int is_double, threads;
  int64_t n_particles, n_edges, n_plan, dims[4];  /* the last are the row lengths of x, harmonics, weights and out */
  const int64_t *edge_index, *plan;               /* [2, edge], [n_plan] */
  const void *x, *harmonics, *weights;            /* [particle, dim], [edge, dim], [edge, dim] */
} anisoap_convolutions;

/* Arguments of product_of_two, whose program is that of ops/product_program.py. */
typedef struct {
  int is_double, threads, target;       /* 0, 1 or 2: the operand to be written */
  int64_t n_batch, n_coefficients, n_program, sizes[3]; /* the last are the numbers of the operands */
  const void *operands[3];              /* out, x1 and x2; that of the target is not read */
  const void *coefficients;             /* [n_coefficients] */
  const int64_t *program;               /* [n_program] */
} anisoap_products;

/* Arguments of perceptron. */
typedef struct {
  int is_double, threads;
  int64_t n_rows, n_widths, n_weights;
  const int64_t *widths;                /* [layer + 1] */
  const void *x, *weights;              /* [row, width], [weight]: a matrix for each layer, one after the other */
} anisoap_perceptrons;

/* All return 0, or 1 after writing what is wrong into `message`. */
ANISOAP_KERNEL int anisoap_gay_berne(const anisoap_pairs *pairs, const anisoap_gay_berne_numbers *numbers, char *message);
ANISOAP_KERNEL int anisoap_pair_potential(const anisoap_pairs *pairs, const anisoap_pair_potential_numbers *numbers, char *message);

/* Writes moments [segment, moment]. */
ANISOAP_KERNEL int anisoap_gaussian_moments(const anisoap_moments *inputs, void *moments, char *message);

/* Writes derivatives of <cotangent, moments>, those of covariances and weights unless both are null. */
ANISOAP_KERNEL int anisoap_gaussian_moments_backward(const anisoap_moments *inputs, const void *cotangent, void *d_edge_vectors,
                                      void *d_covariances, void *d_weights, void *d_pair_weights, char *message);

/* Writes the sums at the centres [particle, dim]. */
ANISOAP_KERNEL int anisoap_convolution(const anisoap_convolutions *inputs, void *out, char *message);

/* Writes the derivatives of <cotangent, out>. */
ANISOAP_KERNEL int anisoap_convolution_gradient(const anisoap_convolutions *inputs, const void *cotangent, void *d_x,
                                      void *d_harmonics, void *d_weights, char *message);

/* Writes the operand that is the target. */
ANISOAP_KERNEL int anisoap_product_of_two(const anisoap_products *inputs, void *target, char *message);

/* Writes the outputs [row, width]. */
ANISOAP_KERNEL int anisoap_perceptron(const anisoap_perceptrons *inputs, void *out, char *message);

/* Writes derivatives of <cotangent, out>, those of weights unless null. */
ANISOAP_KERNEL int anisoap_perceptron_backward(const anisoap_perceptrons *inputs, const void *cotangent, void *d_x,
                                               void *d_weights, char *message);

#ifdef __cplusplus
}
#endif
