"""The product of a radial Gaussian and the density of an ellipsoid is one Gaussian."""

import torch
from matplotlib import pyplot as plt
from torch.distributions import MultivariateNormal

torch.set_default_dtype(torch.float64)
r = torch.tensor([2.0, 0.6])
turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
Sigma = turn @ torch.diag(torch.tensor([1.3, 0.4]) ** 2) @ turn.T
beta = 1 / 1.2**2

C = Sigma @ torch.linalg.inv(torch.eye(2) + beta * Sigma)
w = torch.linalg.det(torch.eye(2) + beta * Sigma) ** -0.5
mu = r - beta * C @ r
W = w * torch.exp(-0.5 * beta * r @ mu)

x, y = torch.linspace(-3, 4.5, 200), torch.linspace(-2.5, 3.5, 160)
points = torch.cartesian_prod(x, y)
radial = torch.exp(-0.5 * beta * points.square().sum(1))
density = MultivariateNormal(r, Sigma).log_prob(points).exp()
single = W * MultivariateNormal(mu, C).log_prob(points).exp()
assert torch.allclose(radial * density, single)

figure, panel = plt.subplots(figsize=(6.4, 4.4))
levels = (radial * density).max() * torch.linspace(0.03, 1, 12)
panel.contourf(
    x, y, (radial * density).view(200, 160).T, levels=levels, cmap="Purples", vmin=0, alpha=0.9
)
for values, color, name in ((radial, "C1", "radial Gaussian"), (density, "C0", "ellipsoid")):
    levels = values.max() * torch.exp(-0.5 * torch.tensor([4.0, 1.0]))  # at 2 and 1 deviations
    panel.contour(x, y, values.view(200, 160).T, levels=levels, colors=color, linewidths=1.3)
    panel.plot([], [], color=color, label=name)
panel.fill([], [], color="mediumpurple", label="their product")
for point, name in ((torch.zeros(2), "centre"), (r, "r"), (mu, "μ")):
    panel.plot(*point, "k.", markersize=7)
    panel.annotate(name, point.tolist(), xytext=(5, 5), textcoords="offset points")
panel.set(aspect="equal", xlabel="x", ylabel="y")
panel.legend(frameon=False, loc="upper left")
