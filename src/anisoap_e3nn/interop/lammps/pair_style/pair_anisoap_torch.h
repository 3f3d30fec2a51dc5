// pair_style anisoap/torch: a potential of ellipsoids as a package of AOTInductor, without Python.
#pragma once

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <memory>

#include "pair_anisoap.h"

namespace LAMMPS_NS {

class PairAniSOAPTorch : public PairAniSOAP {
 public:
  explicit PairAniSOAPTorch(LAMMPS *lmp) : PairAniSOAP(lmp, "anisoap/torch") {}

 protected:
  bool open(const std::vector<std::string> &words, std::string &message) override;
  bool evaluate(const anisoap_step &step, std::string &message) override;

 private:
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> package_;
  std::vector<double> pair_cutoffs_, neighborhood_cutoffs_;  // of the lists that the model takes, in order
  std::vector<int64_t> types_;  // [LAMMPS' type], the model's
  int64_t known_type_ = 0;      // one that the model takes
  double factor_ = 1;           // from the model's unit of energy to the script's

  std::vector<at::Tensor> inputs(const anisoap_step &step) const;
};
}  // namespace LAMMPS_NS
