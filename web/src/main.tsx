import { render } from "preact";
import { Live } from "./data/live";
import { Mesh } from "./data/mesh";
import { App } from "./shell/app";
import { apply, chosen } from "./shell/theme";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/mesh.css";
import "./style/views.css";

apply(chosen());
const mesh = new Mesh();
const live = new Live(mesh);
live.start();
render(<App mesh={mesh} live={live} />, document.getElementById("app")!);
